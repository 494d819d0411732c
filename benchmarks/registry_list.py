"""`kedro registry list`, which must load nothing heavy, against what Kedro itself takes to start."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence

from benchmarks.measuring import Cost, run_child
from benchmarks.program import ROOT, Pair, run_children

COMMANDS = {
    "ours": ["-m", "kedro", "registry", "list"],
    "version": ["-m", "kedro", "--version"],
    "import": ["-c", "import kedro.framework.cli"],
    "torch": ["-c", "import torch"],
}
PAIRS = (
    Pair("kedro registry list : import kedro.framework.cli", "ours", "import"),
    Pair("kedro registry list : kedro --version, outside a project", "ours", "version"),
    Pair("kedro registry list : import torch", "ours", "torch"),
)


def run(name: str, settings: argparse.Namespace) -> Cost:
    """Runs one of the commands, ``ours`` in the project and the others outside any."""
    with tempfile.TemporaryDirectory() as outside:
        command = [sys.executable, *COMMANDS[name]]
        cwd = ROOT if name == "ours" else outside
        return run_child(command, threads=settings.threads, cwd=cwd, PYTHONPATH=str(ROOT / "src"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    run_children("Start of a command", 7, run, PAIRS, arguments)


if __name__ == "__main__":
    main()
