"""One run at a time for every artefact.

A run that would write what another one reads or writes, or read what another one writes, is refused before
it starts; runs that do not meet may go on side by side, one to a GPU. Every run has a file that says which
datasets it reads and writes, and keeps it locked for as long as its process lives: the operating system
lets go of the lock even if the process is killed, so what a killed run leaves never blocks.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from hypnos_pipeline.errors import Busy, UnusableLock
from hypnos_pipeline.storage.replacing import full_disk_explained

FOLDER = Path("data/locks")
NAMED = 3


class RunLock:
    """What one run reads and writes, held until released or until its process ends.

    Args:
        folder: Where all runs of one environment meet.
        reads: Names of the datasets it reads.
        writes: Names of the datasets it writes.

    Raises:
        Busy: Naming the process that is at work on some of them.
        UnusableLock: If the folder cannot hold locks.
    """

    def __init__(self, folder: Path, reads: set[str], writes: set[str]) -> None:
        try:
            with full_disk_explained(folder), _one_at_a_time(folder):
                for other in _running(folder):
                    _refuse_overlap(other, reads, writes)
                self._file = _entered(folder, reads, writes)
        except OSError as error:
            reason = error.strerror or error
            raise UnusableLock(
                f"Nothing was run: {folder} cannot hold the run's lock ({reason}). Make it writable, or"
                " put the project on a disk that knows file locks, then run the same command again."
            ) from error

    def release(self) -> None:
        """Lets others at the datasets."""
        Path(self._file.name).unlink(missing_ok=True)
        self._file.close()


@contextmanager
def _one_at_a_time(folder: Path) -> Generator[None]:
    """Lets one process at a time look around and enter itself."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _running(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields what the living runs entered, and removes the files of dead ones."""
    for path in sorted(folder.glob("run_*.json")):
        try:
            file = path.open()
        except FileNotFoundError:  # it has just ended
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield json.load(file)
            else:
                path.unlink(missing_ok=True)


def _refuse_overlap(other: dict[str, Any], reads: set[str], writes: set[str]) -> None:
    its_reads, its_writes = set(other["reads"]), set(other["writes"])
    shared = sorted((writes & (its_reads | its_writes)) | (reads & its_writes))
    if not shared:
        return
    more = f" and {len(shared) - NAMED} more" if len(shared) > NAMED else ""
    process = other["process"]
    raise Busy(
        f"Nothing was run: process {process} is at work on {', '.join(shared[:NAMED])}{more}, which this run"
        f" needs too. Wait until it has ended, or end it (`kill {process}`), then run the same command again."
    )


def _entered(folder: Path, reads: set[str], writes: set[str]) -> IO[str]:
    """Returns this run's file, locked and complete."""
    file = NamedTemporaryFile("w", prefix="run_", suffix=".json", dir=folder, delete=False)  # noqa: SIM115
    fcntl.flock(file, fcntl.LOCK_EX)
    json.dump({"process": os.getpid(), "reads": sorted(reads), "writes": sorted(writes)}, file)
    file.flush()
    return file
