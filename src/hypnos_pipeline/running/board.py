"""What is known of a run while it goes on: the nodes at work, how far each is, how much of all is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import RLock

from hypnos_pipeline.progress import Event
from hypnos_pipeline.study.consistency import SHARED_STAGES
from hypnos_pipeline.training.settings import is_training

ENOUGH = 0.02
"""The part of a run after which the time left can be estimated."""
_NOT_FIGURES = ("kind", "work", "what", "unit", "done", "total")


@dataclass
class Row:
    """One node at work.

    Attributes:
        work: Its name, ``[subject.[method or pipeline.][training.]]stage``.
        began: When, by the board's clock.
        unit: What it counts, in the singular; empty if it counts nothing yet.
        done: How many of them are done.
        total: Of how many; 0 if that is not known.
        figures: What was measured last, such as ``loss``.
        start: When it began to count, and how many were done before.
        reported: When a line about it was printed last.
    """

    work: str
    began: float
    what: str = ""
    unit: str = ""
    done: int = 0
    total: int = 0
    figures: dict[str, float] = field(default_factory=dict[str, float])
    start: tuple[float, int] = (0.0, 0)
    reported: float | None = None

    @property
    def names(self) -> tuple[str, str, str]:
        """Stage, subject, and method with its training, the latter two empty where the node has none."""
        if self.work == self.what:  # a bar that belongs to no node
            return self.work, "", ""
        *spaces, stage = self.work.split(".")
        subject, *method = spaces or [""]
        words = [part for part in method if part not in SHARED_STAGES]
        return (
            stage.replace("_", " "),
            subject,
            ", ".join(word.replace("_", " ") if is_training(word) else word for word in words),
        )

    @property
    def fraction(self) -> float:
        """How much of what it counts is done."""
        return self.done / self.total if self.total else 0.0

    def count(self, event: Event, now: float) -> None:
        """Takes what a bar reported."""
        if event["what"] != self.what or event["done"] < self.done:  # another bar
            self.start, self.figures = (now, event["done"]), {}
        self.what, self.unit = event["what"], event["unit"]
        self.done, self.total = event["done"], event["total"]
        self.figures |= {name: value for name, value in event.items() if name not in _NOT_FIGURES}

    def rate(self, now: float) -> float | None:
        """Returns how many are done a second, None as long as none was."""
        since, before = self.start
        return (self.done - before) / (now - since) if self.done > before and now > since else None

    def left(self, now: float) -> float | None:
        """Returns the seconds that the rest takes at this rate, None if that is not known."""
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate and self.total else None


@dataclass(frozen=True)
class Whole:
    """The whole run.

    Attributes:
        done: Nodes that are finished.
        total: Nodes of the run.
        elapsed: Seconds since it began.
        left: Seconds that it still takes, by estimate; None as long as there is none.
    """

    done: int
    total: int
    elapsed: float
    left: float | None


class Board:
    """Receives the events of a run.

    Args:
        expected: The names of all nodes (or stages) and what each costs, in any unit.
        clock: Seconds from any moment.

    Attributes:
        running: The nodes at work, by name.
        seconds: What each finished node took, by name.
        resumed: The nodes that went on from where a killed process was.
        on_end: Called with a node's row, its seconds and whether it failed, when it has ended.
    """

    def __init__(self, expected: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.expected, self.clock = dict(expected), clock
        self.began, self.lock = clock(), RLock()
        self.running: dict[str, Row] = {}
        self.seconds: dict[str, float] = {}
        self.resumed: set[str] = set()
        self.on_end: Callable[[Row, float, bool], None] | None = None

    def receive(self, event: Event) -> None:
        """Takes one event, in whichever thread it comes."""
        now, work = self.clock(), event["work"]
        with self.lock:
            if event["kind"] == "end":
                row = self.running.pop(work, None)
                if row is None:  # it never began, and needs not run
                    self.expected.pop(work, None)
                    return
                if not event["failed"]:
                    self.seconds[work] = event["seconds"]
                if self.on_end:
                    self.on_end(row, now - row.began, event["failed"])
                return
            if event["kind"] == "begin" or work not in self.running:
                self.running[work] = Row(work, now)
            if event["kind"] == "steps":
                row = self.running[work]
                row.count(event, now)
                if row.start[1]:
                    self.resumed.add(work)

    def rows(self) -> list[Row]:
        """Returns the nodes at work, those that began first at the top."""
        with self.lock:
            return list(self.running.values())

    def whole(self) -> Whole:
        """Returns how far the whole run is.

        The rest takes as long for its costs as what is finished took for its own, whatever number of
        processes works side by side.
        """
        with self.lock:
            done = {name for name in self.seconds if name in self.expected}
            costs = sum(self.expected[name] for name in done)
            costs += sum(self.expected.get(row.work, 0.0) * row.fraction for row in self.running.values())
            elapsed = self.clock() - self.began
        part = min(1.0, costs / (sum(self.expected.values()) or 1.0))
        left = elapsed * (1 - part) / part if part >= ENOUGH else None
        return Whole(len(done), len(self.expected), elapsed, left)
