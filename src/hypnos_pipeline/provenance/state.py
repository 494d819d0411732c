"""What on disk no longer matches the record: files, folders and parameters behind one cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from hypnos_pipeline.provenance.hashes import Hashed, cached_files, folder_md5, on_disk
from hypnos_pipeline.provenance.history import files_of, newest_commit
from hypnos_pipeline.provenance.lineage import Lineage
from hypnos_pipeline.provenance.parameters import ABSENT, changes, current
from hypnos_pipeline.provenance.record import Record, Recorded

Change = Literal["changed", "missing", "new"]


@dataclass(frozen=True)
class ArtefactState:
    """What is on disk in the place of a recorded file or folder.

    Attributes:
        status: Whether the disk has it as recorded.
        disk: What is on disk, None if nothing.
        superseded_by: The md5 that its producers have since left by the record, if it is another one: the
            record itself is out of step.
        files: A folder's files as recorded, path below it → md5; None if no longer known.
        known_from: Where ``files`` comes from: ``disk``, ``git``, ``cache``, or the ``record`` of its
            producers.
        file_changes: Files of a folder that differ, as far as known: path below it → how.
    """

    status: Literal["as recorded", "changed", "missing"]
    disk: Hashed | None
    superseded_by: str | None = None
    files: dict[str, str] | None = None
    known_from: str | None = None
    file_changes: dict[str, Change] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One thing that no longer matches the record.

    Attributes:
        status: ``changed`` or ``missing`` on disk; ``superseded`` if a stage read a version that its producer
            has since replaced; ``new`` for a parameter that a recorded group of them did not have.
        what: ``file``, ``folder`` or ``parameter``.
        name: The path; of a parameter ``<file>:<key>``.
        recorded: The recorded md5 or value, None if there is none.
        current: The md5 or value now, None if there is none.
        files: Names of a folder's files that differ, as far as known → how.
    """

    status: Literal["changed", "missing", "superseded", "new"]
    what: Literal["file", "folder", "parameter"]
    name: str
    recorded: Any
    current: Any
    files: dict[str, Change] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """The disk against the record, for all that a lineage names.

    Attributes:
        artefacts: Each file and folder once, from the cell down.
        parameters: Stage → ``<file>:<key>`` of each leaf that differs → (recorded, now).
    """

    artefacts: dict[Recorded, ArtefactState]
    parameters: dict[str, dict[str, tuple[Any, Any]]]

    @cached_property
    def differences(self) -> list[Difference]:
        """All that differs, each once, from the cell down."""
        found: list[Difference] = []
        for each, state in self.artefacts.items():
            what = "folder" if each.is_folder else "file"
            if state.superseded_by is not None:
                found.append(Difference("superseded", what, each.path, each.md5, state.superseded_by))
            if state.status != "as recorded":
                md5 = state.disk and state.disk.md5
                found.append(Difference(state.status, what, each.path, each.md5, md5, state.file_changes))
        values = {name: pair for pairs in self.parameters.values() for name, pair in pairs.items()}
        for name, pair in values.items():
            recorded, now = (None if value is ABSENT else value for value in pair)
            found.append(Difference(_change(*pair), "parameter", name, recorded, now))
        return found


def compare(root: Path, record: Record, lineage: Lineage) -> State:
    """Returns what on disk no longer matches the record.

    Args:
        root: The project's folder.
        record: The record that the lineage was read from.
        lineage: Of the requested cell.
    """
    stages = lineage.stages[::-1]
    behind = [each for stage in stages for each in [*stage.outs.values(), *stage.deps.values()]]
    recorded = [lineage.table, *behind]
    return State(
        artefacts={each: _artefact(root, record, each) for each in dict.fromkeys(recorded)},
        parameters={
            stage.name: {
                f"{file}:{key}": pair
                for file, keys in stage.params.items()
                for key, pair in changes(keys, current(root, file, keys)).items()
            }
            for stage in stages
        },
    )


def _left_by_producers(root: Path, record: Record, dep: Recorded) -> Hashed | None:
    """Returns ``dep`` as the stages that wrote it left it by the record; None if that is unknown."""
    files: dict[str, str] = {}
    for stage in record.producers(dep.path):
        for out in stage.outs.values():
            if out.path == dep.path:
                return Hashed(out.md5, (cached_files(root, out.md5) or {}) if out.is_folder else {})
            if out.path.startswith(f"{dep.path}/"):
                below = out.path.removeprefix(f"{dep.path}/")
                inner = cached_files(root, out.md5) if out.is_folder else {"": out.md5}
                if inner is None:
                    return None
                files |= {f"{below}/{name}".rstrip("/"): md5 for name, md5 in inner.items()}
    return Hashed(folder_md5(files), files) if files else None


def _artefact(root: Path, record: Record, recorded: Recorded) -> ArtefactState:
    disk = on_disk(root, recorded.path)
    written = _left_by_producers(root, record, recorded)
    superseded_by = written.md5 if written is not None and written.md5 != recorded.md5 else None
    if disk is not None and disk.md5 == recorded.md5:
        return ArtefactState("as recorded", disk, superseded_by, disk.files, "disk")
    files, known_from = (
        _recorded_files(root, record, recorded, written) if recorded.is_folder else (None, None)
    )
    differing = changes(files, disk.files) if files is not None and disk is not None else {}
    return ArtefactState(
        "missing" if disk is None else "changed",
        disk,
        superseded_by,
        files,
        known_from,
        {name: _change(*pair) for name, pair in differing.items()},
    )


def _recorded_files(
    root: Path, record: Record, folder: Recorded, written: Hashed | None
) -> tuple[dict[str, str] | None, str | None]:
    """Returns the files of a folder that the disk no longer has as recorded, and who knows them."""
    files = cached_files(root, folder.md5)
    if files is not None:
        return files, "cache"
    if written is not None and written.md5 == folder.md5 and written.files:
        return written.files, "record"
    commit = None if record.producers(folder.path) else newest_commit(root, folder.path, folder.md5)
    return (files_of(root, commit, folder.path), "git") if commit else (None, None)


def _change(recorded: Any, now: Any) -> Change:
    """Returns how a pair differs of which either may be absent."""
    if recorded is ABSENT:
        return "new"
    return "missing" if now is ABSENT else "changed"
