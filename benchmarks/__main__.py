"""Runs the benchmark programs one after another, each in a process of its own.

``python -m benchmarks [--diffusers PATH] [--only NAME …] [--output FILE]``; every program also runs by
itself, ``python -m benchmarks.training_steps --help``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.program import ROOT, as_markdown

PROGRAMS = (
    "training_steps",
    "diffusers_dreambooth",
    "evaluation_cell",
    "sampling_batches",
    "registry_list",
    "catalogue",
    "peak_memory",
    "workers",
    "one_photo",
)
SIMULATION = "makespan"
"""It prints no ratios that were measured, and comes last."""
NEEDS_CHECKOUT = "diffusers_dreambooth"


def main() -> None:
    """Prints every program's table as it comes, and writes all of them as JSON where asked to."""
    parser = argparse.ArgumentParser(description="Ratios of speed and memory, measured side by side")
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, default=PROGRAMS, help="these programs alone")
    parser.add_argument("--diffusers", type=Path, help="a checkout of diffusers, for its own trainer")
    parser.add_argument("--python", default=sys.executable, help="interpreter for diffusers' trainer")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="write the reports there as JSON")
    settings = parser.parse_args()
    reports = {}
    for name in settings.only:
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", "--threads", str(settings.threads)]
        if name == NEEDS_CHECKOUT:
            if settings.diffusers is None:
                print(f"{name}: left out; it needs --diffusers PATH\n", flush=True)
                continue
            command += ["--diffusers", str(settings.diffusers.resolve()), "--python", settings.python]
        finished = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if finished.returncode:
            sys.exit(f"{name}: exit code {finished.returncode}")
        reports[name] = json.loads(finished.stdout)
        print(as_markdown(reports[name]), flush=True)
        if settings.output:
            settings.output.write_text(json.dumps(reports, indent=1, ensure_ascii=False) + "\n")
    if settings.only == PROGRAMS:
        subprocess.run([sys.executable, "-m", f"benchmarks.{SIMULATION}"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
