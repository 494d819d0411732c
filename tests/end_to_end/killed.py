"""Kedro runs in processes of their own, some of which kill themselves in the middle of a save.

Moments are counted by Python's audit events: every file opened, folder made and rename of a save is one.
Before it dies, a process cuts what it was writing to half, so that nothing is whole by luck.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EVENTS = ("open", "os.mkdir", "os.rename")

# Imported once, in the process from which all others are forked.
IMPORTED_ONCE = [
    "torch",
    "pyarrow.parquet",
    "matplotlib.pyplot",
    "timm",
    "torchmetrics",
    "transformers.models.clip.modeling_clip",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
    "kedro.framework.session",
    "kedro_datasets.pandas",
    "tests.end_to_end.shrunken",
]


def die_at(moment: int, group: bool = False) -> list[Path]:
    """Arms this process.

    Args:
        moment: At which event of a save it dies, the first being 1; at none if 0.
        group: Whether its whole process group dies with it.

    Returns:
        What the saves' events were about; it grows as they happen.
    """
    seen: list[Path] = []

    def watch(event: str, arguments: tuple) -> None:
        if event not in EVENTS or ".partial" not in str(arguments[0]):
            return
        seen.append(Path(arguments[0]))
        if len(seen) == moment:
            _halve(seen[-1])
            (os.killpg if group else os.kill)(os.getpgrp() if group else os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return seen


def _halve(path: Path) -> None:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    for file in files:
        os.truncate(file, file.stat().st_size // 2)


def run_armed(*arguments: Any, kills: Mapping[str, int], flags: Path) -> object:
    """Runs a node in a worker, which kills itself the first time.

    Args:
        arguments: Of ``run_node_there``.
        kills: By the names of nodes, the event of a save at which the worker dies; 0 for at once.
        flags: A folder that remembers which ones died.
    """
    from hypnos_pipeline.running.node_task import run_node_there

    name = arguments[1].name
    if name in kills and not (flags / name).exists():
        (flags / name).touch()
        if not kills[name]:
            os.kill(os.getpid(), signal.SIGKILL)
        die_at(kills[name])
    return run_node_there(*arguments)


def run_apart(
    project: Path, log: Path, pipelines: list[str], moment: int = 0
) -> tuple[int, dict[str, list[Path]]]:
    """Runs pipelines, one after another, in a process of its own.

    Args:
        project: The study's folder.
        log: Where the process says what it does.
        pipelines: Their names.
        moment: See :func:`die_at`.

    Returns:
        The exit code, and per finished pipeline what its saves' events were about.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED_ONCE)
    report = log.with_suffix(".json")
    report.write_text("{}")
    process = context.Process(target=_run, args=(project, log, pipelines, moment, report))
    process.start()
    process.join()
    events = json.loads(report.read_text())
    return process.exitcode, {name: [Path(path) for path in paths] for name, paths in events.items()}


def _run(project: Path, log: Path, pipelines: list[str], moment: int, report: Path) -> None:
    from tests.end_to_end.shrunken import run

    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    seen, done = die_at(moment), {}
    for name in pipelines:
        before = len(seen)
        run(project, pipeline_names=[name])
        done[name] = [str(path) for path in seen[before:]]
    report.write_text(json.dumps(done))
