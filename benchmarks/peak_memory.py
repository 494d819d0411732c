"""Peak memory of what the other programs measure, each contestant alone in a fresh process.

``loaded`` is the floor: torch, diffusers and transformers imported, the miniature model read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import registry_list
from benchmarks.measuring import Cost, run_child
from benchmarks.program import ROOT, Pair, run_children, run_own

LOADED = "from benchmarks import miniature; miniature.runtime({threads}); miniature.text_to_image()"
CONTESTS = (
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
    if program == "registry_list":
        return registry_list.run(name, settings)
    if program == "peak_memory":
        command = [sys.executable, "-c", LOADED.format(threads=settings.threads)]
        return run_child(command, threads=settings.threads, cwd=ROOT, PYTHONPATH=str(ROOT / "src"))
    return run_own(program, settings, "--alone", name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    pairs = [Pair(f"{above} : {below}", above, below) for above, below in CONTESTS]
    run_children("Peak memory of a process", 2, run, pairs, arguments, of="memory")


if __name__ == "__main__":
    main()
