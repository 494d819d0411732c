"""How each network of a study stands on this machine: here, pinned, and what it was recorded to be.

One answer for ``kedro models list``, for the check before a run and for ``kedro doctor``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hypnos_pipeline.models.integrity import folder_faults, is_listed
from hypnos_pipeline.models.lock import LOCK_FILE, RECORD_FILE, LockError, ModelRecord, read_record
from hypnos_pipeline.models.reference import is_present
from hypnos_pipeline.models.settings import ModelReference


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
        verified: Whether every file is what was recorded; None if it is absent or nothing was recorded.
        bytes: Size of its files; recorded size if it is absent, 0 if unknown.
        faults: What is wrong with it, one line per file or reference; empty if it is absent.
    """

    key: str
    id: str
    folder: str
    present: bool
    pinned: bool
    verified: bool | None
    bytes: int
    faults: list[str]


def model_status(key: str, reference: ModelReference, lock: Mapping[str, ModelRecord]) -> ModelStatus:
    """Looks at one network's files; reads all of them once per process.

    Args:
        key: Its key below ``models``.
        reference: As the study names it.
        lock: The environment's, see :func:`~hypnos_pipeline.models.lock.read_lock`.
    """
    folder, locked = Path(reference.folder), lock.get(key)
    present = is_present(reference)
    if not reference.fetched:
        listed = is_listed(folder)
        faults = folder_faults(key, folder) if present else []
        verified = not faults if present and listed else None
        return ModelStatus(
            key, reference.id, reference.folder, present, listed, verified, _size(folder), faults
        )
    pinned = bool(reference.revision or reference.sha256 or reference.random or locked)
    if not present:
        size = sum(file.bytes for file in locked.kept.values()) if locked else 0
        return ModelStatus(key, reference.id, reference.folder, False, pinned, None, size, [])
    faults = _fetched_faults(key, reference, folder, locked)
    verified = None if not faults and not (locked or reference.random) else not faults
    return ModelStatus(key, reference.id, reference.folder, True, pinned, verified, _size(folder), faults)


def _fetched_faults(
    key: str, reference: ModelReference, folder: Path, locked: ModelRecord | None
) -> list[str]:
    """Compares a fetched folder with the lock where there is one, else with the record inside it."""
    try:
        inside = read_record(folder)
    except LockError as problem:
        return [problem.message]
    record, place = (locked, f"{LOCK_FILE} ({key})") if locked else (inside, str(folder / RECORD_FILE))
    if record is None:
        return [f"{folder} was not filled by `kedro models fetch`: it has no {RECORD_FILE}"]
    if wrong := record.disagreement(reference):
        return [f"{place} {wrong}"]
    return record.file_faults(folder) or folder_faults(key, folder)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
