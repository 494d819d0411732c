"""``models.lock``: what each network of an environment was when it was first fetched, file by file.

It lies beside the environment's study and belongs into the user's git: ever after, ``kedro models fetch``
takes the very same revision, and every run compares the files with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
from pydantic import Field, ValidationError

from hypnos_pipeline.configuration.base import Configuration
from hypnos_pipeline.models.settings import Commit, ModelReference, Sha256
from hypnos_pipeline.storage.hashing import file_sha256
from hypnos_pipeline.storage.replacing import replaced_file

LOCK_FILE = "models.lock"
RECORD_FILE = "source.json"
"""The same record inside the network's own folder; several environments may share one."""


class LockError(click.ClickException):
    """A lock or record that cannot be read; the message names the file."""


class FileRecord(Configuration):
    """One file, by content."""

    sha256: Sha256
    bytes: int

    @classmethod
    def of(cls, file: Path) -> FileRecord:
        """Reads a file's record off the file."""
        return cls(sha256=file_sha256(file), bytes=file.stat().st_size)


class ModelRecord(Configuration):
    """What one network was when it was fetched.

    Attributes:
        source: Hub id, address, or ``random:<architecture>/<seed>``.
        revision: The hub repository's commit.
        downloaded: Each file as the source has it, by its name there; empty for random weights.
        kept: Each file of the folder, by its relative name.
    """

    source: str
    revision: Commit | None = None
    downloaded: dict[str, FileRecord] = Field(default={})
    kept: dict[str, FileRecord]

    def file_faults(self, folder: Path) -> list[str]:
        """Compares a folder with what was kept; one line per missing or altered file, naming it."""
        faults = []
        for name, expected in self.kept.items():
            file = folder / name
            if not file.is_file():
                faults.append(f"{file} is missing")
            elif (size := file.stat().st_size) != expected.bytes:
                faults.append(f"{file} has {size} bytes, expected {expected.bytes}")
            elif (found := file_sha256(file)) != expected.sha256:
                faults.append(f"{file} has sha256 {found}, expected {expected.sha256}")
        return faults

    def disagreement(self, reference: ModelReference) -> str:
        """Says how the study names another network than this record; empty if it does not."""
        if reference.id != self.source:
            return f"records {self.source}, but the study names {reference.id}"
        if reference.revision not in (None, self.revision):
            return f"records revision {self.revision}, but the study names {reference.revision}"
        recorded = {file.sha256 for file in self.downloaded.values()}
        if reference.sha256 and reference.sha256 not in recorded:
            return f"records sha256 {', '.join(recorded)}, but the study names {reference.sha256}"
        return ""


Lock = dict[str, ModelRecord]
"""Key below ``models`` to its record."""


def read_lock(path: Path) -> Lock:
    """Reads a ``models.lock``; without the file, nothing was fetched yet and nothing is locked.

    Raises:
        LockError: If it cannot be understood.
    """
    if not path.is_file():
        return {}
    try:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return {str(key): ModelRecord.model_validate(record) for key, record in models.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise LockError(_unreadable(path, problem)) from problem


def write_lock(path: Path, lock: Mapping[str, ModelRecord]) -> None:
    """Writes a ``models.lock``, sorted, so that git shows what changed and nothing else."""
    content = {"models": {key: lock[key].model_dump(exclude_defaults=True) for key in sorted(lock)}}
    _write(path, content)


def read_record(folder: Path) -> ModelRecord | None:
    """Reads the record inside a network's folder; None if it was not fetched.

    Raises:
        LockError: If it cannot be understood.
    """
    file = folder / RECORD_FILE
    if not file.is_file():
        return None
    try:
        return ModelRecord.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as problem:
        raise LockError(_unreadable(file, problem)) from problem


def write_record(folder: Path, record: ModelRecord) -> None:
    """Puts a network's record into its folder."""
    _write(folder / RECORD_FILE, record.model_dump(exclude_defaults=True))


def _write(path: Path, content: object) -> None:
    with replaced_file(path) as file:
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")


def _unreadable(path: Path, problem: Exception) -> str:
    wrong = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
    return f"{path} cannot be read ({wrong}); restore it from git, or remove it and run `kedro models fetch`"
