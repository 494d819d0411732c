"""What every benchmark program shares: its options, and what it prints."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import Cost, Ratio, compare, run_child, take_turns

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("accelerate", "torchmetrics", "lpips", "clean-fid", "kedro")
"""Those that a ratio is taken against and that no artefact names."""


@dataclass(frozen=True)
class Pair:
    """Two contestants to compare, by name, and how to say it."""

    what: str
    above: str
    below: str
    goal: float | None = None


Build = Callable[[argparse.Namespace], Callable[[], int]]
"""Makes one contestant ready and returns its work, which returns the number of units it did."""


def options(description: str, rounds: int) -> argparse.ArgumentParser:
    """Returns a parser of the options that all programs have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each contestant that count")
    parser.add_argument(
        "--threads", type=int, default=1, help="explicit: contended threads distort the ratio"
    )
    parser.add_argument(
        "--smallest", action="store_true", help="one small round: whether it runs, not a figure"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    return parser


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parses the options and settles what follows from them."""
    settings = parser.parse_args(arguments)
    if settings.rounds < 1 or settings.threads < 1:
        parser.error("--rounds and --threads: expected at least 1")
    settings.rounds = 1 if settings.smallest else settings.rounds
    return settings


def run_contest(
    title: str,
    rounds: int,
    contestants: dict[str, Build],
    pairs: Sequence[Pair],
    setting: dict[str, Any],
    arguments: Sequence[str] | None,
) -> None:
    """Runs a program whose contestants work in this process, and prints the ratios of pairs of them.

    With ``--alone NAME`` one contestant does one turn and nothing is printed: so peak memory is measured. The
    report says ``setting`` besides the command line's.
    """
    parser = options(title, rounds)
    parser.add_argument("--alone", choices=list(contestants), help="run one contestant once, print nothing")
    settings = parse(parser, arguments)
    if settings.alone:
        contestants[settings.alone](settings)()
        return
    costs = take_turns({name: build(settings) for name, build in contestants.items()}, settings.rounds)
    ratios = [compare(pair.what, costs[pair.above], costs[pair.below], pair.goal) for pair in pairs]
    show(title, settings, ratios, setting)


def run_children(
    title: str,
    rounds: int,
    run: Callable[[str, argparse.Namespace], Cost],
    pairs: Sequence[Pair],
    arguments: Sequence[str] | None,
    of: str = "cpu",
) -> None:
    """Runs a program whose contestants are processes, each run by its name, and prints the ratios of pairs.

    They are ratios of ``cpu`` time or ``memory``; at the smallest setting the first pair alone is compared.
    """
    settings = parse(options(title, rounds), arguments)
    pairs = pairs[:1] if settings.smallest else pairs
    costs: dict[str, list[Cost]] = {name: [] for pair in pairs for name in (pair.above, pair.below)}
    for _ in range(settings.rounds):
        for name, taken in costs.items():
            taken.append(run(name, settings))
    show(title, settings, [compare(p.what, costs[p.above], costs[p.below], of=of) for p in pairs], {})


def run_own(program: str, settings: argparse.Namespace, *what: str) -> Cost:
    """Runs a part of a program in a process of its own: this one stays small, as measuring needs."""
    command = [sys.executable, "-m", f"benchmarks.{program}", *what, "--threads", str(settings.threads)]
    command += ["--smallest"] * settings.smallest
    return run_child(command, threads=settings.threads, cwd=ROOT, PYTHONPATH=str(ROOT / "src"))


def show(title: str, settings: argparse.Namespace, ratios: Sequence[Ratio], setting: dict[str, Any]) -> None:
    """Prints a program's report as Markdown or JSON."""
    report = {
        "title": title,
        "smallest": settings.smallest,
        "threads": settings.threads,
        "setting": setting,
        "machine": machine(settings.threads),
        "ratios": [asdict(ratio) for ratio in ratios],
    }
    print(json.dumps(report, indent=1, ensure_ascii=False) if settings.json else as_markdown(report))


def machine(threads: int) -> dict[str, Any]:
    """Returns the cores, the processor's kind and the versions that the figures hang on.

    It imports torch: to be called after measuring.
    """
    from hypnos_pipeline.models.machine import describe_machine
    from hypnos_pipeline.models.settings import RuntimeSettings

    described = describe_machine(RuntimeSettings(device="cpu", threads=threads))
    libraries = described["libraries"] | {name: version(name) for name in LIBRARIES}
    return {"cores": os.cpu_count(), **described, "libraries": libraries}


def as_markdown(report: dict[str, Any]) -> str:
    """Draws a report as a heading, a table and the setting in one line each."""
    lines = [f"### {report['title']}", ""]
    if report["smallest"]:
        lines += ["Smallest setting: shows that it runs, no figure.", ""]
    lines += ["| ratio | measured | rounds from–to | wall | medians | goal |", "|---|--:|--:|--:|--:|--:|"]
    lines += [_row(ratio) for ratio in report["ratios"]]
    setting = {"threads": report["threads"]} | report["setting"]
    return "\n".join([*lines, "", ", ".join(f"{name}: {value}" for name, value in setting.items()), ""])


def _row(ratio: dict[str, Any]) -> str:
    goal = ratio["goal"]
    verdict = "" if goal is None else f"≤ {goal:.2f} {'met' if ratio['value'] <= goal else '**missed**'}"
    wall = "" if ratio["wall"] is None else f"{ratio['wall']:.2f}"
    spread = f"{ratio['lowest']:.2f}–{ratio['highest']:.2f} ({ratio['rounds']})"
    unit = {"memory": "MB", "wall": "ms"}.get(ratio["of"], "CPU ms")
    costs = f"{ratio['above']:,.0f} : {ratio['below']:,.0f} {unit}"
    return f"| {ratio['what']} | {ratio['value']:.2f} | {spread} | {wall} | {costs} | {verdict} |"
