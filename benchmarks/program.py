"""What every benchmark program shares: its options, and what it prints."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import Ratio, compare, take_turns

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
    parser: argparse.ArgumentParser,
    contestants: dict[str, Build],
    pairs: Sequence[Pair],
    arguments: Sequence[str] | None,
    extra: Callable[[argparse.Namespace], dict[str, Any]] = lambda settings: {},
) -> None:
    """Runs a program whose contestants work in this process, and prints their ratios.

    With ``--alone NAME`` one contestant does one turn and nothing is printed: so peak memory is measured.

    Args:
        parser: From :func:`options`.
        contestants: Name to what makes it ready.
        pairs: Which are compared.
        arguments: Of the command line; None for ``sys.argv``.
        extra: What else the report says of the setting.
    """
    parser.add_argument("--alone", choices=list(contestants), help="run one contestant once, print nothing")
    settings = parse(parser, arguments)
    if settings.alone:
        contestants[settings.alone](settings)()
        return
    costs = take_turns({name: build(settings) for name, build in contestants.items()}, settings.rounds)
    ratios = [compare(pair.what, costs[pair.above], costs[pair.below], pair.goal) for pair in pairs]
    show(parser.description or "", settings, ratios, extra(settings))


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
    unit = "MB" if ratio["of"] == "memory" else "CPU ms"
    costs = f"{ratio['above']:,.0f} : {ratio['below']:,.0f} {unit}"
    return f"| {ratio['what']} | {ratio['value']:.2f} | {spread} | {wall} | {costs} | {verdict} |"
