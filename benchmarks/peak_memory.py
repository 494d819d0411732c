"""Peak memory of what the other programs measure, each contestant alone in a fresh process.

``loaded`` is the floor: torch, diffusers and transformers imported, the miniature model read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks import registry_list
from benchmarks.measuring import Cost, compare_peaks, run_child
from benchmarks.program import ROOT, Build, options, parse, show


def loaded(settings: argparse.Namespace) -> Callable[[], int]:
    """Loads the miniature model and does nothing."""
    from benchmarks import miniature

    miniature.runtime(settings.threads)
    miniature.text_to_image()
    return lambda: 1


CONTESTANTS: dict[str, Build] = {"loaded": loaded}
PAIRS = (
    ("registry_list ours", "registry_list import"),
    ("training_steps dreambooth", "training_steps bare"),
    ("training_steps hypnos_early", "training_steps dreambooth"),
    ("evaluation_cell ours", "evaluation_cell pair_by_pair"),
    ("sampling_batches batch_24", "sampling_batches batch_1"),
    ("training_steps dreambooth", "peak_memory loaded"),
    ("training_steps hypnos_early", "peak_memory loaded"),
    ("evaluation_cell ours", "peak_memory loaded"),
    ("sampling_batches batch_24", "peak_memory loaded"),
)
"""Program and contestant above and below."""


def run(contestant: str, settings: argparse.Namespace) -> Cost:
    """Runs one contestant of one program in a process of its own."""
    program, name = contestant.split()
    if program == registry_list.__name__.rpartition(".")[2]:
        return registry_list.run(name, settings)
    command = [sys.executable, "-m", f"benchmarks.{program}", "--alone", name]
    command += ["--threads", str(settings.threads)] + ["--smallest"] * settings.smallest
    return run_child(command, threads=settings.threads, cwd=ROOT, PYTHONPATH=str(ROOT / "src"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    parser = options("Peak memory", rounds=2)
    parser.add_argument("--alone", choices=list(CONTESTANTS), help="run one contestant once, print nothing")
    settings = parse(parser, arguments)
    if settings.alone:
        CONTESTANTS[settings.alone](settings)()
        return
    pairs = PAIRS[:1] if settings.smallest else PAIRS
    costs: dict[str, list[Cost]] = {name: [] for pair in pairs for name in pair}
    for _ in range(settings.rounds):
        for name, taken in costs.items():
            taken.append(run(name, settings))
    ratios = [compare_peaks(f"{above} : {below}", costs[above], costs[below]) for above, below in pairs]
    show("Peak memory of a process", settings, ratios, {})


if __name__ == "__main__":
    main()
