"""The pipelines of 200 and of 1,000 subjects against those of 100, start of the process included."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.measuring import Cost, run_child
from benchmarks.program import ROOT, Pair, run_children

BUILD = """
import sys, yaml
from kedro.pipeline import Pipeline
from hypnos_pipeline.pipeline_registry import STAGES
from hypnos_pipeline.study.model import Study
parameters = yaml.safe_load(open("conf/mini/parameters_study.yml", encoding="utf-8"))
names = [f"product_{number}" for number in range(int(sys.argv[1]))]
parameters["subjects"] = {name: {"noun": "robot", "photos": "lego_robot"} for name in names}
study = Study.from_parameters(parameters)
Pipeline([stage.create_pipeline(study) for stage in STAGES.values()])
"""
PAIRS = (
    Pair("pipelines of 200 subjects : of 100", "200", "100"),
    Pair("pipelines of 1,000 subjects : of 100", "1000", "100"),
)


def run(name: str, settings: argparse.Namespace) -> Cost:
    """Builds the pipelines of so many subjects, as every command of the project does first."""
    command = [sys.executable, "-W", "ignore", "-c", BUILD, name]
    return run_child(command, threads=settings.threads, cwd=ROOT, PYTHONPATH=str(ROOT / "src"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    run_children("Building a catalogue's pipelines", 3, run, PAIRS, arguments)


if __name__ == "__main__":
    main()
