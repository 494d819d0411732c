"""Results that several stages share: each is made once and kept by its key, outside every stage's outputs.

An entry is a folder named by its key, with a checksum of each file, so that a damaged or half-written one is
noticed and made anew. A process that finds another one making the same waits for it. Where a disk knows no
file locks, both make it, and one copy stays. No result depends on what is kept: a key stands for every byte.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import StorageFull
from hypnos_pipeline.storage.checkpoints import discard_finished
from hypnos_pipeline.storage.file_locks import try_lock, wait_for_lock
from hypnos_pipeline.storage.leftovers import set_aside, size_of
from hypnos_pipeline.storage.state import InvalidState, read_state, write_state

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

PRIORS = Path("data/cache/class_priors")
"""Of class priors, in the project; no setting moves it, so a reproduction in a scratch project finds none."""
LOCK = ".lock"
_log = logging.getLogger(__name__)


def made_once(folder: Path, key: str, make: Callable[[], Tensors], most: float) -> Tensors:
    """Returns what is kept under a key, or makes and keeps it.

    Args:
        folder: Where results of this kind are kept.
        key: Of everything that the result depends on.
        make: Makes it: tensors by name.
        most: Bytes that the folder may take; beyond it the entries that were used longest ago are removed.
            With 0 nothing is kept and nothing is looked up.
    """
    if not most:
        return make()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{key}{LOCK}").open("w")
    except OSError as error:
        _log.warning("%s is not used, and the run goes on: %s", folder, error)
        return make()
    with lock:
        if try_lock(lock) is False:
            _log.info("another process makes the same; waiting for it")
            wait_for_lock(lock)
        tensors = _kept(folder / key, key)
        if tensors is None:
            tensors = make()
            _keep(folder / key, key, tensors, most)
    return tensors


def entries(folder: Path) -> list[Path]:
    """Returns what is kept in a folder, the newest use first."""
    found = [path for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _kept(entry: Path, key: str) -> Tensors | None:
    if not entry.is_dir():
        return None
    try:
        tensors = read_state(entry, key).tensors
    except InvalidState as reason:
        if entry.is_dir():  # not where another process has just removed it
            set_aside(entry, str(reason))
        return None
    with suppress(OSError):
        os.utime(entry)
    _log.info("taken from %s, where it was made before", entry)
    return tensors


def _keep(entry: Path, key: str, tensors: Tensors, most: float) -> None:
    try:
        write_state(entry, key, 0, tensors, {})
    except (OSError, StorageFull) as error:
        _log.warning("nothing was kept in %s, and the run goes on: %s", entry, error.__cause__ or error)
    else:
        discard_finished()  # the states of its making: later runs take the entry and look for none
    kept = 0
    for each in entries(entry.parent):
        kept += size_of(each)
        if kept > most:
            _log.info("removed %s, which was used longest ago, to stay below %.1f GB", each, most / 1e9)
            shutil.rmtree(each, ignore_errors=True)
