"""What ``kedro repro`` knows of the stages: their nodes, what these cost, and who does the work."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.checks.needs import node_memory
from hypnos_pipeline.running import capacity, timings
from hypnos_pipeline.running.dask_runner import PROCESS
from hypnos_pipeline.running.made import where_to_look
from hypnos_pipeline.running.pool import Pool, log_to_the_pool
from hypnos_pipeline.running.run_log import run_log
from hypnos_pipeline.running.showing import shown
from hypnos_pipeline.stages.commands import Job, work
from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.stages.reproduction import Event, Ways
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts

if TYPE_CHECKING:
    from dvc.stage import Stage  # pyright: ignore[reportMissingTypeStubs]
    from kedro.pipeline import Pipeline

    from hypnos_pipeline.running.board import Board
    from hypnos_pipeline.stages.plan import Plan

LOGS = Path("data/logs/repro")
"""One file a stage."""
CODE = ("src", "conf", "pyproject.toml")
"""What a worker keeps in memory from one stage to the next."""

OPTIONS = re.compile(r"--(\w+)=(\S+)")


def work_reported(job: Job) -> int:
    """Does a job in a worker; what is logged there is shown and kept by the process that opened the pool."""
    import_module("kedro.framework.project")  # it configures logging

    log_to_the_pool()
    return work(job)


class StudyStages:
    """The stages of a plan, as nodes of this project's pipelines.

    Args:
        root: The project's folder.
        plan: The stages.
        workers: How many may run side by side; by default as many as there are cores.
    """

    def __init__(self, root: Path, plan: Plan, workers: int | None) -> None:
        self._root, self._plan, self._requested = root, plan, workers
        self._nodes: dict[Stage, list[str]] = {}
        self._expected: dict[str, float] = {}
        self._env: Environment | None = None
        self._study: Study | None = None
        self._board: Board | None = None
        self._made: list[str] = []

    def ways(self, *, force: bool, run_cache: bool) -> Ways:
        """Returns how the stages are run."""
        return Ways(
            open_workers=self._open_workers,
            count=lambda: self._count,
            estimates=self._estimates,
            work=work_reported,
            listener=self._happened,
            logs=LOGS,
            code=[self._root / name for name in CODE],
            force=force,
            run_cache=run_cache,
        )

    def where_to_look(self) -> list[str]:
        """Returns lines that name what the stages made or got back."""
        if self._env is None:
            return []
        nodes = set(self._made)
        written = {name for node in self._full.nodes if node.name in nodes for name in node.outputs}
        return where_to_look(written, self._env.catalog)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    @cached_property
    def _gpus(self) -> list[str]:
        """The GPUs, each of which takes one stage at a time; none if the study computes on the CPU."""
        return [] if self._study is None or self._study.runtime.device == "cpu" else capacity.gpus()

    @cached_property
    def _count(self) -> int:
        return min(self._requested or len(self._gpus) or capacity.cores(), len(self._plan.order))

    @property
    def _full(self) -> Pipeline:
        assert self._env is not None, "it is read before any stage runs"
        return self._env.pipelines["__default__"]

    def _estimates(self) -> dict[Stage, tuple[float, float]]:
        """Returns what each stage takes; reads the study, which checks it.

        Raises:
            StudyError: If a key of the study is wrong.
        """
        commands = [(stage, str(stage.cmd)) for stage in self._plan.order]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        options = {stage: _options(command) for stage, command in commands}
        memory: dict[str, float] = {}
        name = next((each["env"] for each in options.values() if "env" in each), None)
        if name is not None:
            self._env = Environment.read(self._root, name)
            self._study = Study.from_parameters(current_parameters())
            self._expected = timings.expected(self._full, self._study, timings.known(self._root, name))
            memory = node_memory(self._full, ValidParts.of(Study, current_parameters()))
            by_slice = _nodes(self._env.pipelines)
            self._nodes = {
                stage: [node for node in by_slice[_slice(each)] if node in self._expected]
                for stage, each in options.items()
                if each
            }
        return {
            stage: (
                sum(self._expected[node] for node in self._nodes.get(stage, ())),
                max((memory.get(node, PROCESS) for node in self._nodes.get(stage, ())), default=0.0),
            )
            for stage in self._plan.order
        }

    @contextmanager
    def _open_workers(self) -> Generator[Pool]:
        nodes = [node for stage in self._nodes for node in self._nodes[stage]]
        pool = Pool(self._count, memory=capacity.memory(), gpus=self._gpus, eager=True)
        log = nullcontext() if self._env is None else run_log(self._root, self._env.name)
        with log, shown({node: self._expected[node] for node in nodes}) as self._board, pool:
            yield pool
        if self._env is not None and self._study is not None:
            timings.remember(self._root, self._env.name, self._full, self._study, self._board)

    def _happened(self, event: Event, stage: Stage) -> None:
        """Takes the nodes of a stage that need not run, or will not, off what is expected."""
        if event in ("finished", "restored"):
            self._made += self._nodes.get(stage, ())
        if event in ("unchanged", "restored", "skipped"):
            nodes = self._nodes.pop(stage, ())
            if self._board is not None:
                with self._board.lock:
                    for node in nodes:
                        self._board.expected.pop(node, None)


def _slice(options: Mapping[str, str]) -> tuple[str, str, str]:
    """Returns a pipeline's name and the namespace and tag that a stage's command chooses."""
    return options.get("pipelines", "__default__"), options.get("namespaces", ""), options.get("tags", "")


def _options(command: str) -> dict[str, str]:
    """Returns the options of a stage's ``kedro run``; none if it is another command."""
    return dict(OPTIONS.findall(command)) if command.startswith("kedro run") else {}


def _nodes(pipelines: Mapping[str, Pipeline]) -> dict[tuple[str, str, str], list[str]]:
    """Returns the names of nodes by their pipeline's name, each namespace or none, and each tag or none."""
    found = defaultdict[tuple[str, str, str], list[str]](list)
    for name, pipeline in pipelines.items():
        for node in pipeline.nodes:
            for space in {"", *node.namespace_prefixes}:
                for tag in {"", *node.tags}:
                    found[name, space, tag].append(node.name)
    return found
