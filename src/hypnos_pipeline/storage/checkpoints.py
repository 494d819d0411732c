"""The checkpoints of one run: saved when they are due, read back after a kill, removed at the end.

A run's states lie in ``<folder>/<name>_<key>/step_<n>/``, outside every stage's outputs, which DVC deletes
before the stage runs. The key is a digest of all that the result depends on, so that a run can only resume
what it would have computed itself.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import StorageFull
from hypnos_pipeline.storage.fingerprint import fingerprint
from hypnos_pipeline.storage.leftovers import IN_USE, SET_ASIDE, keep_newest, leave, occupy, set_aside
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.storage.state import InvalidState, State, read_state, write_state

if TYPE_CHECKING:
    import torch

LARGEST_SHARE = 0.04
"""The largest share of a run's time that saving by the clock may take: slow states are saved less often."""
_STEP = re.compile(r"step_\d{7,}")
_KNOWN = re.compile(rf"{_STEP.pattern}|{SET_ASIDE.pattern}|{IN_USE}")
_HALF_WRITTEN = re.compile(r"\.step_\d{7,}\.(partial|old)")
_log = logging.getLogger(__name__)
_finished: list[Checkpoints] = []


def open_checkpoints(
    settings: CheckpointSettings, name: str, values: Any, tensors: dict[str, torch.Tensor]
) -> Checkpoints | None:
    """Returns a run's checkpoints; None if they are switched off or their folder cannot be used.

    Args:
        settings: When and where.
        name: What kind of run it is, ``[a-z_]+``; it begins the folder's name.
        values: All parameters that the result depends on, JSON types.
        tensors: All inputs that it depends on, by name.
    """
    if not settings.on:
        return None
    folder = Path(settings.folder).absolute() / f"{name}_{fingerprint([name, values], tensors)}"
    try:
        if not occupy(folder):
            _log.warning("%s is in use by another process at the same work; this run saves no states", folder)
            return None
        return Checkpoints(settings, folder)
    except OSError as error:
        _log.warning("this run saves no states: %s", error)
        return None


class Checkpoints:
    """The saved states of one run: the newest only, or several parts that are all needed.

    A full or broken disk never ends the run: the state before stays, and saving is tried again after the
    next interval.

    Args:
        settings: When and where.
        folder: The run's own; its name is the key.
    """

    def __init__(self, settings: CheckpointSettings, folder: Path) -> None:
        self.settings, self.folder, self.key = settings, folder, folder.name
        self._saved_at, self._cost = time.monotonic(), 0.0
        self._warned: set[str] = set()
        for path in sorted(folder.iterdir()):
            if _HALF_WRITTEN.fullmatch(path.name):
                shutil.rmtree(path)
            elif not _KNOWN.fullmatch(path.name):
                set_aside(path, "it is not a state of a run")
        keep_newest(folder.parent, folder, settings.keep_gigabytes * 1e9)

    def due(self, step: int) -> bool:
        """Returns whether a state should be saved after this step."""
        if self.settings.every_steps and step % self.settings.every_steps == 0:
            return True
        if self.settings.every_seconds is None:
            return False
        waited = time.monotonic() - self._saved_at
        return waited >= max(self.settings.every_seconds, self._cost / LARGEST_SHARE)

    def save(
        self, step: int, tensors: dict[str, torch.Tensor], values: dict[str, Any], *, part: bool = False
    ) -> None:
        """Saves the state after a step and removes the older ones; warns where it cannot.

        Args:
            step: The step, or the number of a part.
            tensors: On any device.
            values: JSON types.
            part: Whether the older ones are parts that are needed too.
        """
        from safetensors import SafetensorError

        began, folder = time.monotonic(), self.folder / f"step_{step:07d}"
        try:
            write_state(folder, self.key, step, tensors, values)
        except StorageFull as full:
            self._warn(str(full.__cause__ or full))
        except (OSError, SafetensorError) as error:
            self._warn(str(error))
        else:
            for older in [] if part else self._states():
                if older != folder:
                    shutil.rmtree(older, ignore_errors=True)
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - began

    def load(self) -> State | None:
        """Returns the newest valid state, or None if there is none; invalid ones are set aside."""
        state = next(self.load_all(), None)
        if state is not None:
            _log.info("going on after step %d, from %s", state.step, self.folder)
        return state

    def load_all(self) -> Iterator[State]:
        """Yields every valid state, the newest first; invalid ones are set aside."""
        for folder in reversed(self._states()):
            try:
                yield read_state(folder, self.key)
            except InvalidState as reason:
                set_aside(folder, str(reason))

    def finish(self) -> None:
        """Marks the run as finished, so that :func:`discard_finished` removes its states."""
        _finished.append(self)

    def remove(self) -> None:
        """Removes the run's states; what was set aside stays, within ``keep_gigabytes``."""
        for folder in self._states():
            shutil.rmtree(folder, ignore_errors=True)
        leave(self.folder)

    def _states(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if _STEP.fullmatch(path.name)]
        return sorted(found, key=lambda path: int(path.name.removeprefix("step_")))

    def _warn(self, problem: str) -> None:
        """Warns of one problem once, not at every interval."""
        if problem not in self._warned:
            _log.warning("no state was saved in %s, and the run goes on: %s", self.folder, problem)
            self._warned.add(problem)


def discard_finished() -> None:
    """Removes the states of this process's finished runs."""
    while _finished:
        _finished.pop().remove()


def keep_finished() -> None:
    """Keeps the states of this process's finished runs, whose outputs may not have been saved."""
    _finished.clear()


def prefixed(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns the entries with ``<prefix>.`` before their names."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def unprefixed(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns the entries whose names begin with ``<prefix>.``, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
