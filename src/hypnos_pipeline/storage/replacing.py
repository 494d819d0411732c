"""Files and folders are replaced whole: a target is the old one or the new one, never half of one.

What is new is written beside the target and renamed onto it, never written in place, because DVC may have
hard-linked the old one to its cache. A file's rename is atomic. A folder takes two renames; a run killed
between them leaves no target, which everything takes for "not made yet" and makes again. (Linux can exchange
two folders in one step, but a missing target misleads nobody.) What a killed run leaves are hidden siblings,
``.<name>.partial`` and ``.<name>.old``: ``.dvcignore`` names them, and the next save removes them. They are
never put back: a kill may have come while the old one was being removed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hypnos_pipeline.errors import StorageFull

STORAGE_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def full_disk_explained(target: Path) -> Generator[None]:
    """Turns a full disk, in whatever words a writer reports it, into one error that says what to do."""
    try:
        yield
    except Exception as error:
        number = _storage_error(error)
        if number is None:
            raise
        raise StorageFull(
            f"{target} could not be saved: {os.strerror(number).lower()}. What was there before is untouched"
            " and nothing finished is lost: make room, then run the same command again."
        ) from error


@contextmanager
def replaced_file(target: Path) -> Generator[Path]:
    """Yields a path to write; on success it replaces ``target``, on failure it is removed.

    Raises:
        StorageFull: If there is no room for it.
    """
    partial = _partial(target)
    try:
        with full_disk_explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            _flush(partial)
            os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replaced_folder(target: Path) -> Generator[Path]:
    """Yields an empty folder to fill; on success it replaces ``target``, on failure it is removed.

    Raises:
        StorageFull: If there is no room for it.
    """
    partial, old = _partial(target), target.with_name(f".{target.name}.old")
    for leftover in (partial, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    try:
        with full_disk_explained(target):
            partial.mkdir(parents=True)
            yield partial
            for file in partial.rglob("*"):
                if file.is_file():
                    _flush(file)
            if target.exists():
                os.replace(target, old)
            os.replace(partial, target)
    finally:
        if old.exists() and not target.exists():  # the second rename failed
            os.replace(old, target)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _partial(target: Path) -> Path:
    """Returns the sibling to write to; its suffix stays, because writers choose formats by suffix."""
    return target.with_name(f".{target.stem}.partial{target.suffix}")


def _flush(file: Path) -> None:
    """Waits until the file is on its disk.

    A process that is killed needs no such thing, a power cut does. Above all, network disks and quotas
    report here, and often only here, that what seemed written was not.
    """
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(error: BaseException | None) -> int | None:
    """Returns the system's error number if the error, or what it came from, is a full disk."""
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if number is None:  # Rust's libraries, safetensors among them, put it into their text
            in_words = re.search(r"\(os error (\d+)\)", str(error))
            number = int(in_words[1]) if in_words else None
        if number in STORAGE_FULL:
            return number
        error = error.__cause__ or error.__context__
    return None
