"""Costs of contestants that take turns, and their ratios.

The figure is CPU time: it does not grow when other processes use the same cores. Wall time stands beside it.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Cost:
    """What one unit of work took (a step, an image, a whole command).

    Attributes:
        cpu: Seconds of all threads, user and system.
        wall: Seconds.
        peak: Bytes; largest resident memory of the process, 0 where it was not measured.
    """

    cpu: float
    wall: float
    peak: int = 0


@dataclass(frozen=True)
class Ratio:
    """One contestant's cost over another's: the median of the rounds' own ratios.

    Attributes:
        what: The two contestants in words.
        value: Of CPU time (of peak memory where ``of`` says so).
        lowest: Of all rounds.
        highest: Of all rounds.
        wall: Of wall time; None for memory.
        rounds: How many.
        above: The numerator's median cost: milliseconds, or megabytes.
        below: The denominator's.
        goal: Largest value that was aimed at; None where there was no goal.
        of: ``cpu``, ``wall`` or ``memory``.
    """

    what: str
    value: float
    lowest: float
    highest: float
    wall: float | None
    rounds: int
    above: float
    below: float
    goal: float | None = None
    of: str = "cpu"


def take_turns(contestants: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, list[Cost]]:
    """Measures contestants in this process, each once a round, after one turn each that does not count.

    Every round begins with another contestant, so that none always follows the same one. A contestant's work
    returns how many units it did; its costs are those of one unit, one per round.
    """
    for work in contestants.values():
        work()
    names, costs = list(contestants), {name: [] for name in contestants}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            costs[name].append(_measure(contestants[name]))
    return costs


def _measure(work: Callable[[], int]) -> Cost:
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    units = work()
    return Cost((time.process_time() - cpu) / units, (time.perf_counter() - wall) / units)


def run_child(
    command: Sequence[str], *, threads: int, cwd: os.PathLike[str] | str, **environment: str
) -> Cost:
    """Runs a command to its end, with threads for OpenMP and MKL and more variables of the environment.

    Returns:
        Its whole cost, its own children's time included.

    Raises:
        RuntimeError: If it failed; the message ends with what it wrote last.
    """
    variables = os.environ | {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"} | environment
    variables |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "cost.json"
        finished = subprocess.run(
            [sys.executable, "-S", str(LAUNCHER), str(report), *command],
            cwd=cwd,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if finished.returncode:
            last = finished.stdout.decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)}: exit code {finished.returncode}\n{last}")
        return Cost(**json.loads(report.read_text(encoding="utf-8")))


def slope(few: Cost, many: Cost, steps: tuple[int, int]) -> Cost:
    """Returns the cost of one more step, from runs of few and many steps; what both paid once falls out."""
    more = steps[1] - steps[0]
    return Cost((many.cpu - few.cpu) / more, (many.wall - few.wall) / more)


def compare(
    what: str, above: Sequence[Cost], below: Sequence[Cost], goal: float | None = None, of: str = "cpu"
) -> Ratio:
    """Returns the ratio of two contestants' CPU time (or ``of`` ``memory`` or ``wall`` time), by round."""
    pairs = list(zip(above, below, strict=True))
    if of == "memory":
        values, wall = [a.peak / b.peak for a, b in pairs], None
        top, bottom = (median(cost.peak for cost in costs) / 1e6 for costs in (above, below))
    else:
        wall = median(a.wall / b.wall for a, b in pairs)
        values = [a.wall / b.wall if of == "wall" else a.cpu / b.cpu for a, b in pairs]
        kind = "wall" if of == "wall" else "cpu"
        top, bottom = (1000 * median(getattr(cost, kind) for cost in costs) for costs in (above, below))
    return Ratio(what, median(values), min(values), max(values), wall, len(values), top, bottom, goal, of)
