"""What on disk no longer matches the record: files, folders and parameters behind one cell."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hypnos_pipeline.provenance.hashes import Hashed, cached_files, folder_md5, on_disk
from hypnos_pipeline.provenance.history import extract, newest_commit
from hypnos_pipeline.provenance.lineage import Input, Lineage
from hypnos_pipeline.provenance.parameters import ABSENT, changes, current
from hypnos_pipeline.provenance.record import Record, Recorded

Status = Literal["as recorded", "changed", "missing", "superseded", "new"]
Key = tuple[str, str]
"""Path and recorded md5: stages that ran at different times may have read different versions."""


@dataclass(frozen=True)
class ArtefactState:
    """One recorded file or folder, and what is on disk in its place.

    Attributes:
        recorded: As recorded.
        status: ``changed`` or ``missing`` on disk.
        disk: What is on disk, None if nothing.
        files: A folder's files as recorded, path below it → md5; None if no longer known.
        known_from: Where ``files`` comes from: ``disk``, ``git``, ``cache``, or the ``record`` of its
            producers.
        file_changes: Path below the folder → ``changed``, ``missing`` or ``new``, as far as known.
    """

    recorded: Recorded
    status: Status
    disk: Hashed | None
    files: dict[str, str] | None = None
    known_from: str | None = None
    file_changes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One thing that no longer matches the record.

    Attributes:
        status: ``changed`` or ``missing`` on disk; ``superseded`` if the record itself is out of step: a
            stage read a version that its producer has since replaced; ``new`` for a parameter that a recorded
            group of them did not have.
        what: ``file``, ``folder`` or ``parameter``.
        name: The path; of a parameter ``<file>:<key>``.
        recorded: The recorded md5 or value.
        current: The md5 or value now, None if there is none.
        files: Names of a folder's files that differ, as far as known → how.
    """

    status: Status
    what: Literal["file", "folder", "parameter"]
    name: str
    recorded: Any
    current: Any
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """The disk against the record, for all that a lineage names.

    Attributes:
        artefacts: By path and recorded md5.
        parameters: Stage → ``<file>:<key>`` of each leaf that differs → (recorded, now).
        differences: All that differs, each once, in the lineage's order from the cell down.
    """

    artefacts: dict[Key, ArtefactState]
    parameters: dict[str, dict[str, tuple[Any, Any]]]
    differences: list[Difference]


def compare(root: Path, record: Record, lineage: Lineage) -> State:
    """Returns what on disk no longer matches the record.

    Args:
        root: The project's folder.
        record: The record that the lineage was read from.
        lineage: Of the requested cell.
    """
    hashes: dict[str, Hashed | None] = {}
    artefacts: dict[Key, ArtefactState] = {}
    parameters: dict[str, dict[str, tuple[Any, Any]]] = {}
    superseded: dict[Key, Difference] = {}
    for stage in reversed(lineage.stages):
        for each in lineage.inputs[stage.name]:
            written = written_by_producers(root, record, each.recorded)
            if written is not None and written.md5 != each.recorded.md5:
                superseded[_key(each.recorded)] = _superseded(each, written)
        for recorded in [*stage.outs.values(), *stage.deps.values()]:
            if recorded.path not in hashes:
                hashes[recorded.path] = on_disk(root, recorded.path)
            if _key(recorded) not in artefacts:
                artefacts[_key(recorded)] = _artefact(root, record, recorded, hashes[recorded.path])
        parameters[stage.name] = {
            f"{file}:{key}": pair
            for file, keys in stage.params.items()
            for key, pair in changes(keys, current(root, file, keys)).items()
        }
    found = [_difference(state) for state in artefacts.values() if state.status != "as recorded"]
    values = {name: pair for pairs in parameters.values() for name, pair in pairs.items()}
    return State(
        artefacts,
        parameters,
        [*superseded.values(), *found, *(_parameter(name, *pair) for name, pair in values.items())],
    )


def written_by_producers(root: Path, record: Record, dep: Recorded) -> Hashed | None:
    """Returns ``dep`` as the stages that wrote it left it by the record; None if that is unknown.

    Args:
        root: The project's folder, for DVC's cache, which lists the files of recorded folders.
        record: The record.
        dep: A file or folder that a stage read.
    """
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


def _artefact(root: Path, record: Record, recorded: Recorded, disk: Hashed | None) -> ArtefactState:
    if disk is not None and disk.md5 == recorded.md5:
        return ArtefactState(recorded, "as recorded", disk, disk.files, "disk")
    status: Status = "missing" if disk is None else "changed"
    if not recorded.is_folder:
        return ArtefactState(recorded, status, disk)
    files, known_from = _recorded_files(root, record, recorded)
    differing = _file_changes(files, disk.files) if files is not None and disk is not None else {}
    return ArtefactState(recorded, status, disk, files, known_from, differing)


def _recorded_files(root: Path, record: Record, folder: Recorded) -> tuple[dict[str, str] | None, str | None]:
    """Returns the files of a folder that the disk no longer has as recorded, and who knows them."""
    files = cached_files(root, folder.md5)
    if files is not None:
        return files, "cache"
    written = written_by_producers(root, record, folder)
    if written is not None and written.md5 == folder.md5 and written.files:
        return written.files, "record"
    commit = None if record.producers(folder.path) else newest_commit(root, folder.path, folder.md5)
    if commit is None:
        return None, None
    with tempfile.TemporaryDirectory() as scratch:
        extract(root, commit, folder.path, Path(scratch) / "folder")
        version = on_disk(Path(scratch), "folder")
    return (version.files, "git") if version is not None else (None, None)


def _file_changes(recorded: Mapping[str, str], disk: Mapping[str, str]) -> dict[str, str]:
    differing = {
        name: "missing" if name not in disk else "changed"
        for name, md5 in recorded.items()
        if disk.get(name) != md5
    }
    return differing | {name: "new" for name in disk if name not in recorded}


def _key(recorded: Recorded) -> Key:
    return recorded.path, recorded.md5


def _difference(state: ArtefactState) -> Difference:
    recorded = state.recorded
    what = "folder" if recorded.is_folder else "file"
    md5 = state.disk.md5 if state.disk is not None else None
    return Difference(state.status, what, recorded.path, recorded.md5, md5, state.file_changes)


def _superseded(each: Input, written: Hashed) -> Difference:
    recorded = each.recorded
    what = "folder" if recorded.is_folder else "file"
    return Difference("superseded", what, recorded.path, recorded.md5, written.md5)


def _parameter(name: str, recorded: Any, now: Any) -> Difference:
    if recorded is ABSENT:
        return Difference("new", "parameter", name, None, now)
    if now is ABSENT:
        return Difference("missing", "parameter", name, recorded, None)
    return Difference("changed", "parameter", name, recorded, now)
