"""How far the work is: reported by whatever works, in any process, and shown by whoever runs it.

What is reported are events, flat maps of JSON values that can travel from a worker to the process that shows
them. One sink at a time receives them; without one, reporting costs next to nothing and shows nothing.

====================  ====================================================================================
kind                  beside ``kind`` and ``work``, the name of the node or stage that is at work
====================  ====================================================================================
begin                 nothing
steps                 ``what``, ``unit``, ``done``, ``total`` (0: unknown), and figures such as ``loss``
end                   ``seconds``; ``failed``
====================  ====================================================================================
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeVar

Event = dict[str, Any]
Sink = Callable[[Event], None]
Item = TypeVar("Item")

SECONDS = 0.5
"""The least time between two events of one bar."""
_sink: Sink | None = None
_work: ContextVar[tuple[str, float]] = ContextVar("work", default=("", 0.0))


def send_to(sink: Sink | None) -> None:
    """Sends all events of this process to a sink; None shows nothing."""
    global _sink
    _sink = sink


def is_sent() -> bool:
    """Returns whether this process has a sink."""
    return _sink is not None


@contextmanager
def sent_to(sink: Sink) -> Generator[None]:
    """Sends all events of this process to a sink meanwhile."""
    before = _sink
    send_to(sink)
    try:
        yield
    finally:
        send_to(before)


def emit(event: Event) -> None:
    """Hands an event to the sink, one of this process or one that came from a worker."""
    if _sink is not None:
        _sink(event)


def begin(work: str) -> None:
    """Reports that a node begins in this thread; bars belong to it until :func:`end`."""
    _work.set((work, time.monotonic()))
    emit({"kind": "begin", "work": work})


def end(work: str, *, failed: bool = False) -> None:
    """Reports that a node, or a whole stage of them, has ended."""
    current, began = _work.get()
    seconds = time.monotonic() - began if current == work else 0.0
    if current == work:
        _work.set(("", 0.0))
    emit({"kind": "end", "work": work, "seconds": seconds, "failed": failed})


class Bar:
    """Something counted, such as the steps of a training; shown from the moment when it is made.

    Args:
        what: What is done, in a word or two.
        total: How many there are; 0 if that is not known.
        unit: What is counted, in the singular.
        done: How many were done before, by a process that was killed.
    """

    def __init__(self, what: str, total: int, unit: str, done: int = 0) -> None:
        self.what, self.total, self.unit, self.done = what, total, unit, done
        node, _ = _work.get()
        self.work, self._alone = node or what, not node
        self._emit({})

    def advance(self, count: int = 1, **figures: float) -> None:
        """Counts some more.

        Args:
            count: How many.
            figures: What was measured, such as ``loss``; shown beside.
        """
        self.done += count
        if _sink is not None and (time.monotonic() - self._sent >= SECONDS or self.done >= self.total > 0):
            self._emit(figures)

    def _emit(self, figures: dict[str, float]) -> None:
        self._sent = time.monotonic()
        own = {"what": self.what, "unit": self.unit, "done": self.done, "total": self.total}
        emit({"kind": "steps", "work": self.work, **own, **figures})

    def close(self) -> None:
        """Takes a bar that belongs to no node off again; a node's stays until the node ends."""
        if self._alone:
            emit({"kind": "end", "work": self.work, "seconds": 0.0, "failed": False})

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def counted(items: Collection[Item], what: str, unit: str) -> Generator[Item]:
    """Yields items under a :class:`Bar` that counts those which are finished."""
    with Bar(what, len(items), unit) as bar:
        for item in items:
            yield item
            bar.advance()


# A forked process shares the terminal, yet neither the threads nor the state that show anything on it.
os.register_at_fork(after_in_child=lambda: send_to(None))
