"""The state of each network of a study on this machine: here, pinned, and what it was recorded to be.

``kedro models list``, the check before a run and ``kedro doctor`` all read it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hypnos_pipeline.errors import LockError, Problem
from hypnos_pipeline.models.integrity import files_of, folder_problems, is_listed
from hypnos_pipeline.models.lock import LOCK_FILE, RECORD_FILE, ModelRecord, read_record
from hypnos_pipeline.models.reference import adopt_command, fetch_command, is_present
from hypnos_pipeline.models.settings import ModelReference

_UNRECORDED = f"was not filled by `kedro models fetch`: it has no {RECORD_FILE}"


@dataclass(frozen=True)
class ModelStatus:
    """One network.

    Attributes:
        key: Its key below ``models``.
        id: Hub id, address, ``random:<architecture>/<seed>``, or its folder.
        folder: Where it lies, relative to the project root.
        present: Whether anything lies there.
        pinned: Whether its content is fixed beforehand: by revision, sha256, seed, or a tracked record
            (``models.lock``, ``SHA256SUMS``).
        verified: Whether every file is what was recorded: in ``models.lock``, else in the folder itself if
            the study pins what that record must name. So environments may share a folder. None if it is
            absent or not pinned.
        bytes: Size of its files; recorded size if it is absent, 0 if unknown.
        problems: What is wrong with its files or its reference; empty if it is absent.
    """

    key: str
    id: str
    folder: str
    present: bool
    pinned: bool
    verified: bool | None
    bytes: int
    problems: list[Problem]


def model_status(
    key: str, reference: ModelReference, lock: Mapping[str, ModelRecord], env: str | None = None
) -> ModelStatus:
    """Looks at the files of one network of ``env``, which the fixes name; reads all of them once per process.

    ``key`` is the network's below ``models``, in the study and in ``lock``.
    """
    folder, locked, present = Path(reference.folder), lock.get(key), is_present(reference)
    if reference.fetched:
        pinned = bool(reference.revision or reference.digests or reference.random or locked)
    else:
        pinned = is_listed(folder)
    lines = _differences(key, reference, folder, locked) if present else []
    verifiable = present and (pinned or (reference.fetched and bool(lines)))
    if present:
        size = sum(file.stat().st_size for file in files_of(folder).values())
    else:
        size = sum(file.bytes for file in locked.kept.values()) if locked else 0
    return ModelStatus(
        key=key,
        id=reference.id,
        folder=reference.folder,
        present=present,
        pinned=pinned,
        verified=not lines if verifiable else None,
        bytes=size,
        problems=[Problem(f"models.{key}", line, _fix(key, reference, env, line)) for line in lines],
    )


def _differences(key: str, reference: ModelReference, folder: Path, locked: ModelRecord | None) -> list[str]:
    """Compares a fetched folder with the lock where there is one, else with the record inside it."""
    if not reference.fetched:
        return folder_problems(key, folder)
    try:
        inside = read_record(folder)
    except LockError as error:
        return [error.message]
    record, place = (locked, f"{LOCK_FILE} ({key})") if locked else (inside, str(folder / RECORD_FILE))
    if record is None:
        return [f"{folder} {_UNRECORDED}"]
    if wrong := record.disagreement(reference):
        return [f"{place} {wrong}"]
    return record.file_problems(folder) or folder_problems(key, folder)


def _fix(key: str, reference: ModelReference, env: str | None, problem: str) -> str:
    """Returns how a network's folder becomes whole again."""
    folder = reference.folder
    if problem.endswith(_UNRECORDED):
        adopt = adopt_command(key, Path(folder), env)
        return f"`{adopt}` takes what is in it; or remove it, then `{fetch_command(env)}`"
    if reference.fetched:
        return f"remove {folder}, then `{fetch_command(env)}`"
    if is_listed(Path(folder)):
        return f"restore it (`git checkout -- {folder}`); a change you want belongs in a folder of its own"
    return "copy the network there again"
