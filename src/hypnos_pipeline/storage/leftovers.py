"""Folders of checkpoints: which process uses one, what is set aside in it, and how much of all is kept."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from hypnos_pipeline.storage.file_locks import try_lock

IN_USE = "in_use"
"""A file in a run's folder, locked by the process that uses it until that process ends."""
SET_ASIDE = re.compile(r"set_aside_\d+")
_RUN = re.compile(r"(?:[a-z_]+_)?[0-9a-f]{32}")
_log = logging.getLogger(__name__)
_held: dict[Path, IO[str]] = {}


def occupy(folder: Path) -> bool:
    """Makes a run's folder and locks it for this process; returns False if another process uses it.

    On a disk without locks it counts as free: there the lock of the whole run keeps others away.

    Raises:
        OSError: If the folder cannot be made.
    """
    if folder in _held:
        return True
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / IN_USE).open("w")
    if try_lock(file) is False:
        file.close()
        return False
    _held[folder] = file
    return True


def leave(folder: Path) -> None:
    """Unlocks a run's folder and removes it, unless something was set aside in it."""
    if file := _held.pop(folder, None):
        file.close()
    (folder / IN_USE).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def set_aside(path: Path, why: str) -> Path:
    """Renames something unusable to a free ``set_aside_<n>`` beside it, and warns.

    Returns:
        The new path.
    """
    aside = next(each for n in count(1) if not (each := path.with_name(f"set_aside_{n}")).exists())
    os.replace(path, aside)
    _log.warning("%s cannot be used: %s. It was set aside as %s.", path, why, aside.name)
    return aside


def keep_newest(folder: Path, own: Path, most: float) -> None:
    """Removes the oldest of what other runs left and of what was set aside, and logs how much is kept.

    Folders that another process uses count but stay. So does the newest run with a state: it was killed
    last, and the present run may lead back to it.

    Args:
        folder: Where all runs' folders lie; anything else there is left alone.
        own: This run's folder, of which only what was set aside counts.
        most: Bytes that may be kept.
    """
    runs = [path for path in folder.iterdir() if path != own and path.is_dir() and _RUN.fullmatch(path.name)]
    aside = [path for path in own.iterdir() if SET_ASIDE.fullmatch(path.name)]
    last = max((run for run in runs if any(run.glob("step_*"))), key=_changed, default=None)
    kept, number = 0, 0
    for path in sorted([*runs, *aside], key=_changed, reverse=True):
        size = size_of(path)
        if kept + size > most and path != last and _removed(path):
            _log.info("removed %s (%s): more than checkpoints.keep_gigabytes", path, _shown(size))
        else:
            kept, number = kept + size, number + 1
    if number:
        _log.info("%d older states or runs' folders take %s in %s", number, _shown(kept), folder)


def _removed(path: Path) -> bool:
    """Removes the path unless a process uses it; returns whether it did."""
    with _free(path) as free:
        if free:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return free


@contextmanager
def _free(path: Path) -> Generator[bool]:
    lock = path / IN_USE
    if not lock.is_file():
        yield True
        return
    with lock.open("r+") as file:
        yield try_lock(file) is True  # on a disk without locks nothing is removed that may be in use


def _changed(path: Path) -> float:
    return max(each.stat().st_mtime for each in (path, *path.rglob("*")))


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _shown(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
