"""One run at a time for every artefact.

A run that would write what another one reads or writes, or read what another one writes, is refused before
it starts; runs that do not meet may go on side by side, one to a GPU. Every run has an *entry*: a file that
says which datasets it reads and writes, and which process it is. It keeps this file locked for as long as the
process lives: the operating system lets go of the lock even if the process is killed, so what a killed run
leaves never blocks.

Where the disk knows no locks (NFS without its lock service, some disks in user space), the entry's host,
process and time of start say whether the run still lives. Every run enters itself first and looks at the
others then, so that of two that begin at the same moment at least one sees the other. A run on another host
cannot be seen from here; it counts as living, and the message names its file.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from hypnos_pipeline.errors import Busy, UnusableLock
from hypnos_pipeline.storage.file_locks import try_lock, wait_for_lock
from hypnos_pipeline.storage.replacing import full_disk_explained

FOLDER = Path("data/locks")
NAMED = 3
SAME_START = 60.0
"""Seconds by which two readings of one process's start may differ, since the clock may have been set."""


class RunLock:
    """What one run reads and writes, held until released or until its process ends.

    Args:
        folder: Where all runs of one environment meet.
        reads: Names of the datasets it reads.
        writes: Names of the datasets it writes.

    Raises:
        Busy: Naming the process that is at work on some of them.
        UnusableLock: If the folder cannot be written.
    """

    def __init__(self, folder: Path, reads: set[str], writes: set[str]) -> None:
        try:
            with full_disk_explained(folder), _one_at_a_time(folder):
                self._path, self._file = _entered(folder, reads, writes)
                try:
                    for path, other in _living(folder, self._path):
                        _refuse_overlap(path, other, reads, writes)
                except BaseException:
                    self.release()
                    raise
        except OSError as error:
            reason = error.strerror or error
            raise UnusableLock(
                f"Nothing was run: {folder} cannot hold the run's lock ({reason}). Make it writable, then run"
                " the same command again."
            ) from error

    def release(self) -> None:
        """Lets others at the datasets."""
        self._path.unlink(missing_ok=True)
        self._file.close()


@contextmanager
def _one_at_a_time(folder: Path) -> Generator[None]:
    """Lets one process at a time enter itself and look around, where the disk knows locks."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "guard").open("w") as guard:
        wait_for_lock(guard)
        yield


def _entered(folder: Path, reads: set[str], writes: set[str]) -> tuple[Path, IO[str]]:
    """Returns this run's entry and its open file, complete before others can see it, locked if possible."""
    file = NamedTemporaryFile("w", prefix="entering_", suffix=".json", dir=folder, delete=False)  # noqa: SIM115
    hidden = Path(file.name)
    try:
        own = {"host": platform.node(), "process": os.getpid(), "started": _started(os.getpid())}
        content = own | {"locked": try_lock(file) is True, "reads": sorted(reads), "writes": sorted(writes)}
        json.dump(content, file)
        file.flush()
        return hidden.rename(hidden.with_name(hidden.name.replace("entering_", "run_"))), file
    except BaseException:
        file.close()
        hidden.unlink(missing_ok=True)
        raise


def _living(folder: Path, own: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields the other living runs' entries, and removes those of dead ones."""
    for path in sorted(folder.glob("run_*.json")):
        if path == own:
            continue
        try:
            file = path.open()
        except FileNotFoundError:  # it has just ended
            continue
        with file:
            entry = json.load(file)
            free = try_lock(file, shared=True) if entry.get("locked", True) else None
            if free is False or (free is None and _may_live(entry)):
                yield path, entry
            else:
                path.unlink(missing_ok=True)


def _may_live(entry: dict[str, Any]) -> bool:
    """Whether an entry's process lives, as far as this host can know."""
    if entry["host"] != platform.node():
        return True
    started = _started(entry["process"])
    return started is not None and abs(started - entry["started"]) < SAME_START


def _started(process: int) -> float | None:
    """Returns when a process of this host started, in seconds since 1970; None if there is none such."""
    import psutil

    try:
        return psutil.Process(process).create_time()
    except psutil.NoSuchProcess:
        return None


def _refuse_overlap(path: Path, other: dict[str, Any], reads: set[str], writes: set[str]) -> None:
    its_reads, its_writes = set(other["reads"]), set(other["writes"])
    shared = sorted((writes & (its_reads | its_writes)) | (reads & its_writes))
    if not shared:
        return
    more = f" and {len(shared) - NAMED} more" if len(shared) > NAMED else ""
    process, host = other["process"], other["host"]
    if host == platform.node():
        where, fix = "", f"end it (`kill {process}`)"
    else:
        where = f" on {host}"
        fix = f"end it there (`kill {process}`; if it has died, remove {path})"
    raise Busy(
        f"Nothing was run: process {process}{where} is at work on {', '.join(shared[:NAMED])}{more}, which"
        f" this run needs too. Wait until it has ended, or {fix}, then run the same command again."
    )
