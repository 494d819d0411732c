"""Making the records that are missing, one after another, until all are there or the time is over.

Nothing is taken over from earlier runs but records: what methods share is made anew by each run, so that no
value comes from an artefact of older code or settings. A training that was interrupted goes on from its
checkpoint, which has a key of its own.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from kedro.pipeline import Pipeline

from hypnos_pipeline.checks.hooks import StudyChecks
from hypnos_pipeline.checks.needs import node_memory
from hypnos_pipeline.errors import FindingsError, HypnosError, NodesFailed
from hypnos_pipeline.findings.record import Cost, Record, Training, values_of_training
from hypnos_pipeline.findings.state import FindingsStudy, Kept
from hypnos_pipeline.findings.upstream import Work
from hypnos_pipeline.findings.worker import work_measured
from hypnos_pipeline.running import capacity, timings
from hypnos_pipeline.running.board import Board
from hypnos_pipeline.running.dask_runner import PROCESS
from hypnos_pipeline.running.node_task import Place
from hypnos_pipeline.running.pool import Pool
from hypnos_pipeline.running.run_lock import FOLDER, RunLock
from hypnos_pipeline.running.run_log import run_log
from hypnos_pipeline.running.showing import shown
from hypnos_pipeline.running.tasks import Here, Task
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts


@dataclass
class Run:
    """One run towards the missing records.

    Args:
        findings: The study and its records.
        trainings: Those to make.
        workers: Processes; None for one a core.
        seconds: Nothing is started that would end later; None for no limit.
        listener: Called with each training whose record has just been kept.

    Attributes:
        kept: Trainings whose records this run has kept.
        failed: Why a work failed, by its name.
    """

    findings: FindingsStudy
    trainings: Sequence[Training]
    workers: int | None = None
    seconds: float | None = None
    listener: Callable[[Training], None] = lambda training: None
    kept: list[Training] = field(default_factory=list[Training])
    failed: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._keys = {training: self.findings.key(training) for training in self.trainings}
        self._waiting = self.findings.upstream.works(self.trainings)
        self._works = {work.name: work for work in self._waiting}
        self._expected = self.findings.seconds(self._waiting)
        self._costs: dict[str, dict[str, Cost]] = {}
        self._run_id = f"findings-{uuid4().hex}"

    def make(self) -> None:
        """Makes the records.

        Raises:
            StudyError: If photos, words, networks or settings cannot be used.
            Busy: If another run is at work on the same artefacts.
            FindingsError: If code or settings changed meanwhile.
            NodesFailed: At the end, if some work failed.
        """
        env, pipeline = self.findings.env, Pipeline([node for work in self._waiting for node in work.nodes])
        StudyChecks().before_pipeline_run(pipeline, env.catalog)
        self._memory = node_memory(pipeline, ValidParts.of(Study, current_parameters()))
        workers = self.workers or capacity.cores()
        reads = {name for name in pipeline.inputs() if not name.startswith("params:")}
        lock = RunLock(self.findings.root / FOLDER / env.name, reads - {"parameters"}, pipeline.all_outputs())
        try:
            with run_log(self.findings.root, env.name), shown(self._expected) as board:
                try:
                    with Pool(workers, memory=capacity.memory()) as pool:
                        self._all(pool, workers, board)
                finally:  # a run that was stopped knows what its nodes took
                    timings.remember(self.findings.root, env.name, pipeline, self.findings.study, board)
        finally:
            lock.release()
        if self.failed:
            lines = [
                message if name in message else f"{name}: {message}" for name, message in self.failed.items()
            ]
            raise NodesFailed("\n".join([*lines, "When this is fixed, the same command goes on from here."]))

    def _all(self, pool: Here, workers: int, board: Board) -> None:
        at_work = sum(self._start_one(pool) for _ in range(workers))
        for task in pool.finished():
            at_work -= 1
            work = self._works[task.key]
            costs, why = _result(task)
            if why:
                self.failed[work.name] = why
            else:
                whole = {name: cost for name, cost in costs.items() if name not in board.resumed}
                self._costs[work.name] = whole
                if work.training is not None:
                    self._keep(work, work.training)
            while at_work < workers and self._start_one(pool):
                at_work += 1

    def _start_one(self, pool: Here) -> bool:
        """Starts the first work that can be started; returns whether there was any."""
        for work in self._waiting:
            seconds = sum(self._expected[node.name] for node in work.nodes)
            late = self.seconds is not None and time.monotonic() - self._began + seconds > self.seconds
            if late or not self._costs.keys() >= {*work.after}:
                continue
            self._waiting.remove(work)
            catalog = self.findings.env.catalog
            steps = [
                (node, {name: catalog[name] for name in (*node.inputs, *node.outputs)}) for node in work.nodes
            ]
            memory = max(self._memory.get(node.name, PROCESS) for node in work.nodes)
            pool.submit(work_measured, Place.current(), steps, self._run_id, key=work.name, memory=memory)
            return True
        return False

    def _keep(self, work: Work, training: Training) -> None:
        """Keeps a training's record, and removes its model if no figure shows it."""
        key = self.findings.key(training)
        if key != self._keys[training]:
            raise FindingsError(
                f"The record of {training} was not kept: code or settings changed while it was made. Run the"
                " same command again."
            )
        catalog = self.findings.env.catalog
        pairs, scores = (catalog.load(f"{training.namespace}.{name}") for name in ("pairs", "scores"))
        of_training = [name for name in work.after if name != training.subject]
        costs = {
            _what(node): cost
            for name in (*of_training, work.name)
            for node, cost in self._costs[name].items()
        }
        self.findings.save(training, Record(values_of_training(pairs, scores), key, costs))
        self.kept.append(training)
        self.listener(training)
        model = f"{training.namespace}.finetuned"
        if training.number > 1 and any(model in node.outputs for node in work.nodes):
            shutil.rmtree(self.findings.root / self.findings.env.path(model), ignore_errors=True)


def _result(task: Task) -> tuple[dict[str, Cost], str]:
    """Returns what each node of a work took, and why it failed; empty if it did not."""
    try:
        costs, failure = task.result()
    except HypnosError as error:  # its process was killed, again and again
        return {}, error.message
    return costs, failure.message if failure else ""


def _what(node: str) -> str:
    """Returns what a node does, by its name; families sample by functions of their own."""
    leaf = node.rpartition(".")[2]
    return "sample" if leaf.startswith("sample_") else leaf


def missing(findings: FindingsStudy, trainings: Sequence[Training]) -> list[Training]:
    """Returns the trainings whose records are missing or stale."""
    return [training for training in trainings if findings.standing(training).kept is not Kept.YES]
