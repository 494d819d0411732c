"""``kedro run`` with two workers against one, and beside a busy process: a shortened study, all stages.

The figure is wall time, so the machine has to be idle otherwise: the table says how busy it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import Cost, compare, run_child
from benchmarks.program import ROOT, options, parse, show
from benchmarks.project import make_project

SHORTER = 6
"""A training of the study takes so many times more steps than here."""
BUSY = "while True: pass"
CONTESTANTS = {"one": (1, 0), "two": (2, 0), "busy": (2, 1)}
"""Name to workers, and processes that keep a core busy beside them."""
RATIOS = (
    ("1 worker : 2 workers", "one", "two", None),
    ("2 workers beside a busy process : 2 workers", "busy", "two", 1.6),
)


def shortened(study: dict[str, Any], smallest: bool) -> dict[str, Any]:
    """Returns the study with shorter trainings; at the smallest setting of one subject and two steps."""
    for family in study["methods"].values():
        for method in family.values():
            method.pop("previews", None)
            if "steps" in method:
                method["steps"] = 2 if smallest else method["steps"] // SHORTER
    study["discriminator"]["steps"] = 2 if smallest else study["discriminator"]["steps"] // SHORTER
    if smallest:
        study["subjects"] = dict([next(iter(study["subjects"].items()))])
        study["sampling"]["steps"], study["class_prior"]["count"] = 1, 8
    return study


@contextmanager
def busy_processes(count: int) -> Generator[None]:
    """Keeps so many cores busy."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(name: str, settings: argparse.Namespace) -> Cost:
    """Runs the study once, in a project of its own."""
    workers, busy = CONTESTANTS[name]
    with tempfile.TemporaryDirectory() as folder, busy_processes(busy):
        make_project(Path(folder), partial(shortened, smallest=settings.smallest))
        command = [sys.executable, "-m", "kedro", "run", "--pipelines=full", f"--workers={workers}"]
        return run_child(command, threads=1, cwd=folder, PYTHONPATH=str(ROOT / "src"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    settings = parse(options(str(__doc__), 1), arguments)
    load = os.getloadavg()[0]
    costs: dict[str, list[Cost]] = {name: [] for name in CONTESTANTS}
    for _ in range(settings.rounds):
        for name, taken in costs.items():
            taken.append(run(name, settings))
    ratios = [compare(what, costs[a], costs[b], goal, of="wall") for what, a, b, goal in RATIOS]
    setting = {"steps": f"1/{SHORTER} of mini's", "cores": os.cpu_count(), "busy before": f"{load:.1f}"}
    show("More workers", settings, ratios, setting)


if __name__ == "__main__":
    main()
