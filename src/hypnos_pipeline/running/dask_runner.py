"""The runner of ``kedro run``: as many nodes side by side as the machine allows, the longest path first.

Nodes run in the worker processes of a pool, and hand each other files. A run that would gain little from more
processes stays in this one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import AbstractRunner
from kedro.runner.runner import (
    _find_nodes_to_resume_from,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]
)
from kedro.runner.task import Task

from hypnos_pipeline import progress
from hypnos_pipeline.errors import ClusterError, HypnosError, WorkerDied
from hypnos_pipeline.running import capacity, timings
from hypnos_pipeline.running.costs import makespan, remaining_paths
from hypnos_pipeline.running.failures import Failure, nodes_failed
from hypnos_pipeline.running.node_task import Place, run_node, run_node_there
from hypnos_pipeline.running.pool import Pool, in_worker
from hypnos_pipeline.running.tasks import Here
from hypnos_pipeline.running.tasks import Task as PoolTask
from hypnos_pipeline.study.environments import DEFAULT
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import NETWORK, Study

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from kedro.framework.hooks.manager import PluginManager  # pyright: ignore[reportPrivateImportUsage]
    from kedro.io import CatalogProtocol

    Catalog = CatalogProtocol[Any, Any]

WORTH = 10.0
"""Seconds that processes must save before they are started; each takes two seconds to start."""
PROCESS = 1e9
"""Bytes that a process takes at least, with its libraries."""
Memory = Callable[[Pipeline], Mapping[str, float]]
Submit = Callable[[Node], None]
Lost = Callable[[Node, WorkerDied], None]
_log = logging.getLogger(__name__)


class DaskRunner(AbstractRunner):
    """Runs nodes side by side in worker processes.

    Args:
        is_async: Whether datasets are loaded and saved in threads, as in Kedro's own runners.
        workers: Processes; None for as many as help and fit.
        memory: Returns the bytes that each node may take, by its name; None if that is not known.
        scheduler: Address of a running Dask scheduler, all of whose workers are used instead.
    """

    def __init__(
        self,
        is_async: bool = False,
        workers: int | None = None,
        memory: Memory | None = None,
        scheduler: str | None = None,
    ) -> None:
        super().__init__(is_async=is_async)
        self._workers, self._memory, self._scheduler = workers, memory, scheduler

    def _filter_pipeline_for_missing_outputs(self, pipeline: Pipeline, catalog: Catalog) -> Pipeline:
        """Reports the nodes that are left out as ended."""
        left = super()._filter_pipeline_for_missing_outputs(pipeline, catalog)  # pyright: ignore[reportUnknownMemberType]
        for node in set(pipeline.nodes) - set(left.nodes):
            progress.end(node.name)
        return left

    def _get_executor(self, max_workers: int) -> Executor | None:
        """Kedro's own pools are not used."""
        return None

    def _run(
        self,
        pipeline: Pipeline,
        catalog: Catalog,
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
    ) -> None:
        if not pipeline.nodes:
            return
        assert hook_manager is not None, "Kedro hands over its own"
        place, study = Place.current(), Study.from_parameters(current_parameters())
        seconds = timings.expected(pipeline, study, timings.known(place.project, place.env or DEFAULT))
        first = remaining_paths(pipeline, seconds)
        needs: Mapping[str, float] = self._memory(pipeline) if self._memory else {}
        held = {name for name in pipeline.all_outputs() if getattr(catalog.get(name), "_EPHEMERAL", True)}
        pool = self._pool(pipeline, study, seconds, needs, held)

        def submit(node: Node) -> None:
            work = partial(run_node, Task(node, catalog, self._is_async, hook_manager, run_id))
            if isinstance(opened, Pool):
                datasets = {name: catalog[name] for name in (*node.inputs, *node.outputs)}
                work = partial(run_node_there, place, node, datasets, run_id, self._is_async)
            memory = needs.get(node.name, PROCESS)
            opened.submit(work, key=node.name, priority=first[node.name], memory=memory)

        def lost(node: Node, error: WorkerDied) -> None:
            hook_manager.hook.on_node_error(
                error=error, node=node, catalog=catalog, inputs={}, is_async=self._is_async, run_id=run_id
            )

        with pool as opened:
            done, failures = self._walk(pipeline, opened, submit, lost)
        if failures:
            unfinished = set(pipeline.nodes) - done
            start = _find_nodes_to_resume_from(pipeline, unfinished, catalog)
            raise nodes_failed(failures, len(unfinished), len(pipeline.nodes), start)

    def _pool(
        self,
        pipeline: Pipeline,
        study: Study,
        seconds: Mapping[str, float],
        needs: Mapping[str, float],
        held: set[str],
    ) -> Here:
        """Returns who is to do the work: a scheduler's workers, processes of this machine, or this one."""
        on_gpu = study.runtime.device != "cpu"
        if self._scheduler is None or in_worker():
            gpus = capacity.gpus() if on_gpu else []
            workers = self._count(pipeline, seconds, gpus, held)
            return Pool(workers, memory=capacity.memory(), gpus=gpus) if workers > 1 else Here()
        if held:
            names = ", ".join(sorted(held))
            raise ClusterError(
                f"Nothing was run: {names} would stay in the memory of the worker that made it. Add it to"
                " conf/base/catalog.yml, or run without --scheduler."
            )
        from hypnos_pipeline.running.machines import Machines  # it reads all of the code

        keys = {name.removeprefix(NETWORK) for name in pipeline.inputs() if name.startswith(NETWORK)}
        references = {key: getattr(study.models, key) for key in sorted(keys)}
        return Machines(
            self._scheduler,
            Place.current().project,
            {key: reference.folder for key, reference in references.items() if reference is not None},
            on_gpu=on_gpu,
            memory=max((needs.get(node.name, PROCESS) for node in pipeline.nodes), default=PROCESS),
        )

    def _count(
        self, pipeline: Pipeline, seconds: Mapping[str, float], gpus: list[str], held: set[str]
    ) -> int:
        """Returns how many processes to start; 1 to stay in this one.

        Args:
            pipeline: What is run.
            seconds: What each node costs.
            gpus: Each worker has one, where there are some.
            held: Outputs that stay in memory, and so in the process that made them.
        """
        if held or in_worker():
            return 1
        width = max(map(len, pipeline.grouped_nodes))
        if self._workers is not None:
            return min(self._workers, width)
        room = int(capacity.memory() // PROCESS)
        workers = max(1, min(len(gpus) or capacity.cores(), width, room))
        saved = sum(seconds.values()) - makespan(pipeline, seconds, workers)
        return workers if saved > WORTH else 1

    def _walk(
        self, pipeline: Pipeline, pool: Here, submit: Submit, lost: Lost
    ) -> tuple[set[Node], dict[str, Failure]]:
        """Runs the nodes, each once those that it needs are finished.

        Args:
            pipeline: What is run.
            pool: Runs it.
            submit: Hands a node to the pool.
            lost: Called with a node whose process was killed too often; it may raise a plainer error.

        Returns:
            The nodes that are finished, and those that failed, by name.
        """
        nodes = {node.name: node for node in pipeline.nodes}
        done, failures = set[Node](), dict[str, Failure]()
        order = TopologicalSorter(pipeline.node_dependencies)
        order.prepare()
        for node in order.get_ready():
            submit(node)
        for task in pool.finished():
            node = nodes[task.key]
            failure = _failure(task, node, lost)
            if failure is not None:
                failures[node.name] = failure
                trace = f"\n{failure.trace}" if failure.trace else ""
                _log.warning("%s failed; what does not need it goes on%s", node.name, trace)
                continue
            done.add(node)
            _log.info("Completed node: %s (%d out of %d)", node.name, len(done), len(nodes))
            order.done(node)
            for ready in order.get_ready():
                submit(ready)
        return done, failures


def _failure(task: PoolTask, node: Node, lost: Lost) -> Failure | None:
    """Returns why a node failed, None if it did not."""
    try:
        return task.result()
    except WorkerDied as died:
        try:
            lost(node, died)
        except HypnosError as plainer:
            return Failure.of(plainer)
        return Failure.of(died)
    except Exception as error:  # what went wrong outside the node, such as carrying it to a worker
        return Failure.of(error)
