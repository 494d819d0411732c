"""What ``kedro repro`` knows of the stages: their nodes, what these cost, and who does the work."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline import progress
from hypnos_pipeline.running import timings
from hypnos_pipeline.running.pool import Pool, report
from hypnos_pipeline.running.showing import shown
from hypnos_pipeline.stages.commands import Job, work
from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.stages.reproduction import Event, Ways
from hypnos_pipeline.study.environments import chosen
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import Study

if TYPE_CHECKING:
    from dvc.stage import Stage
    from kedro.pipeline import Pipeline

    from hypnos_pipeline.running.board import Board
    from hypnos_pipeline.stages.plan import Plan

LOGS = Path("data/logs/repro")
"""One file a stage."""
CODE = ("src", "conf", "pyproject.toml")
"""What a worker keeps in memory from one stage to the next."""

OPTIONS = re.compile(r"--(\w+)=(\S+)")


def work_shown(job: Job) -> int:
    """Does a job in a worker, and reports its progress to the process that shows it."""
    with progress.sent_to(report):
        return work(job)


class StudyStages:
    """The stages of a plan, as Kedro's nodes of this project.

    Args:
        root: The project's folder.
        plan: The stages.
        workers: How many may run side by side; by default as many as there are cores.
    """

    def __init__(self, root: Path, plan: Plan, workers: int | None) -> None:
        self._root, self._plan = root, plan
        self._count = min(workers or len(os.sched_getaffinity(0)), len(plan.order))
        self._seconds: dict[Stage, dict[str, float]] = {}
        self._board: Board | None = None

    def ways(self, *, force: bool, run_cache: bool) -> Ways:
        """Returns how the stages are run."""
        return Ways(
            open_workers=self._open_workers,
            count=self._count,
            estimates=self._estimates,
            work=work_shown,
            listener=self._happened,
            logs=LOGS,
            code=[self._root / name for name in CODE],
            force=force,
            run_cache=run_cache,
        )

    def _estimates(self) -> dict[Stage, tuple[float, float]]:
        """Returns what each stage takes; reads the study, which checks it.

        Raises:
            StudyError: If a key of the study is wrong.
        """
        stages = {stage: _options(stage.cmd) for stage in self._plan.order}
        env = next(filter(None, (options.get("env") for options in stages.values())), chosen(None))
        pipelines = Environment.read(self._root, env).pipelines
        nodes = _nodes(pipelines)
        study, known = Study.from_parameters(current_parameters()), timings.known(self._root, env)
        expected = timings.expected(pipelines["__default__"], study, known)
        for stage, options in stages.items():
            names = nodes[
                options.get("pipelines", ""), options.get("namespaces") or options.get("tags") or ""
            ]
            self._seconds[stage] = {name: expected[name] for name in names} or {stage.addressing: 1.0}
        return {stage: (sum(seconds.values()), 0.0) for stage, seconds in self._seconds.items()}

    @contextmanager
    def _open_workers(self) -> Generator[Pool]:
        expected = {name: value for each in self._seconds.values() for name, value in each.items()}
        pool = Pool(self._count, on_message=lambda _, event: progress.emit(event))
        with shown(expected) as self._board, pool:
            yield pool

    def _happened(self, event: Event, stage: Stage) -> None:
        """Takes nodes that need not run, or will not, off what is expected."""
        if event in ("unchanged", "restored", "skipped"):
            names = self._seconds.pop(stage, {})
            if self._board is not None:
                with self._board.lock:
                    for name in names:
                        self._board.expected.pop(name, None)


def _options(command: object) -> dict[str, str]:
    """Returns the options of a stage's ``kedro run``; none if it is another command."""
    return (
        dict(OPTIONS.findall(command)) if isinstance(command, str) and command.startswith("kedro run") else {}
    )


def _nodes(pipelines: Mapping[str, Pipeline]) -> dict[tuple[str, str], list[str]]:
    """Returns the names of nodes by their pipeline's name and, after it, each namespace and tag of theirs."""
    found = defaultdict[tuple[str, str], list[str]](list)
    for name, pipeline in pipelines.items():
        for node in pipeline.nodes:
            parts = (node.namespace or "").split(".")
            spaces = {".".join(parts[:count]) for count in range(len(parts) + 1)}
            for chosen_by in spaces | node.tags:
                found[name, chosen_by].append(node.name)
    return found
