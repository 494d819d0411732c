"""``models.lock``: what each network of an environment was when it was first fetched, file by file.

It lies beside the environment's study and belongs into the user's git: ever after, ``kedro models fetch``
takes the very same revision, and every run compares the files with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from hypnos_pipeline.configuration.base import Configuration
from hypnos_pipeline.errors import LockError
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.settings import Commit, ModelReference, Sha256, Sha512
from hypnos_pipeline.storage.hashing import file_digest, file_sha256
from hypnos_pipeline.storage.replacing import replaced_file

LOCK_FILE = "models.lock"
RECORD_FILE = "source.json"
"""The same record inside the network's own folder; several environments may share one."""


_Parsed = TypeVar("_Parsed")


class FileRecord(Configuration):
    """One file, by content; the second digest only where a study pins it."""

    sha256: Sha256
    bytes: int
    sha512: Sha512 | None = None

    @classmethod
    def of(cls, file: Path, sha512: bool = False) -> FileRecord:
        """Reads a file's record off the file."""
        second = file_digest(file, "sha512") if sha512 else None
        return cls(sha256=file_sha256(file), bytes=file.stat().st_size, sha512=second)


class ModelRecord(Configuration):
    """What one network was when it was fetched.

    Attributes:
        source: Hub id, address, or ``random:<architecture>/<seed>``.
        revision: The hub repository's commit.
        adopted: Whether its files came from a folder that was filled by hand, so that the revision is that
            folder's owner's word; the digests hold either way.
        downloaded: Each file as the source has it, by its name there; empty for random weights.
        kept: Each file of the folder, by its relative name.
    """

    source: str
    revision: Commit | None = None
    adopted: bool = False
    downloaded: dict[str, FileRecord] = Field(default={})
    kept: dict[str, FileRecord]

    def file_problems(self, folder: Path) -> list[str]:
        """Compares a folder with what was kept; returns one line per missing or altered file, naming it."""
        problems = []
        for name, expected in self.kept.items():
            file = folder / name
            if not file.is_file():
                problems.append(f"{file} is missing")
            elif (size := file.stat().st_size) != expected.bytes:
                problems.append(f"{file} has {size} bytes, expected {expected.bytes}")
            elif (found := file_sha256(file)) != expected.sha256:
                problems.append(f"{file} has sha256 {found}, expected {expected.sha256}")
        return problems

    def disagreement(self, reference: ModelReference) -> str:
        """Returns how the study names another network than this record; empty if it does not."""
        if reference.id != self.source:
            return f"records {self.source}, but the study names {reference.id}"
        if reference.revision not in (None, self.revision):
            return f"records revision {self.revision}, but the study names {reference.revision}"
        for algorithm, pin in reference.digests.items():
            recorded = [str(getattr(file, algorithm)) for file in self.downloaded.values()]
            if pin not in recorded:
                return f"records {algorithm} {', '.join(recorded)}, but the study names {pin}"
        return ""


Lock = dict[str, ModelRecord]
"""Key below ``models`` to its record."""


def recorded_files(folder: Path) -> dict[str, FileRecord]:
    """Returns the record of every file in a folder but the record's own."""
    return {name: FileRecord.of(file) for name, file in files_of(folder).items() if file.name != RECORD_FILE}


def read_lock(path: Path) -> Lock:
    """Reads a ``models.lock``; without the file, nothing was fetched yet and nothing is locked.

    Raises:
        LockError: If it cannot be understood.
    """

    def parsed(content: Any) -> Lock:
        return {str(key): ModelRecord.model_validate(record) for key, record in content["models"].items()}

    return _read(path, parsed) or {}


def write_lock(path: Path, lock: Mapping[str, ModelRecord]) -> None:
    """Writes a ``models.lock``, sorted, so that git shows what changed and nothing else."""
    _write(path, {"models": {key: record.model_dump(exclude_defaults=True) for key, record in lock.items()}})


def read_record(folder: Path) -> ModelRecord | None:
    """Reads the record inside a network's folder; None if it was not fetched.

    Raises:
        LockError: If it cannot be understood.
    """
    return _read(folder / RECORD_FILE, ModelRecord.model_validate)


def write_record(folder: Path, record: ModelRecord) -> None:
    """Puts a network's record into its folder."""
    _write(folder / RECORD_FILE, record.model_dump(exclude_defaults=True))


def _read(path: Path, parsed: Callable[[Any], _Parsed]) -> _Parsed | None:
    """Reads a JSON file; None if there is no such file."""
    if not path.is_file():
        return None
    try:
        return parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        wrong = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        fix = "restore it from git, or remove it and run `kedro models fetch`"
        raise LockError(f"{path} cannot be read ({wrong}); {fix}") from error


def _write(path: Path, content: object) -> None:
    with replaced_file(path) as file:
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")
