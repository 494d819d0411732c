"""What ``dvc repro`` does, with stages side by side.

Whether a stage has changed, what the run cache has of it, and what is recorded of it: all of this is done in
this process, by DVC's own functions, so that the record and the caches hold what ``dvc repro`` would have
written. Only the commands run elsewhere. As in ``dvc repro``, DVC's lock is let go of while there is nothing
to do but wait for them, and what a running stage reads and writes is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dvc.exceptions import DvcException
from dvc.stage.cache import RunCacheNotFoundError

from hypnos_pipeline.stages.commands import Job, contents
from hypnos_pipeline.stages.locks import files_locked, unlocked
from hypnos_pipeline.stages.record import Record

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

    from hypnos_pipeline.stages.plan import Plan

Event = Literal["unchanged", "restored", "started", "finished", "failed", "skipped"]
"""A stage is up to date, or its earlier result is back, or its command has started, ended well or failed; or
it waits for a stage that failed."""
AHEAD = 2
"""Stages to a worker that are made ready before it is free, so that it does not wait for the recording."""


class Task(Protocol):
    """A job given to a worker."""

    def result(self) -> Any:
        """Returns the job's exit status once it has ended."""
        ...


class Workers(Protocol):
    """Processes that do jobs."""

    def submit(
        self, function: Callable[[Job], int], job: Job, /, *, key: str, priority: float, memory: float
    ) -> Task:
        """Has a job done by the next process that is free, those of higher priority first."""
        ...

    def finished(self) -> Iterator[Task]:
        """Yields jobs as they end, until none is left."""
        ...


@dataclass(frozen=True)
class Ways:
    """How stages are run.

    Attributes:
        open_workers: Opens the processes that do the work; it is not called unless a command has to run.
        count: Returns how many jobs can be at work at the same time.
        estimates: Returns the seconds and the bytes of memory that each stage takes, once, before anything is
            removed. Stages on the path that takes longest go first.
        work: What a worker does with a job.
        listener: Is called with what happens to a stage.
        logs: A folder for one file a stage, which takes what its command prints.
        code: Files and folders that the workers import or keep in memory. Once one of them has changed,
            ``kedro run`` takes a new process.
        force: Run stages that have not changed, and do not look for earlier results of theirs.
        run_cache: Look for the results of an earlier run with the same inputs.
    """

    open_workers: Callable[[], AbstractContextManager[Workers]]
    count: Callable[[], int]
    estimates: Callable[[], Mapping[Stage, tuple[float, float]]]
    work: Callable[[Job], int]
    listener: Callable[[Event, Stage], None]
    logs: Path
    code: Sequence[Path] = ()
    force: bool = False
    run_cache: bool = True


@dataclass(frozen=True)
class Failure:
    """A stage that did not end well.

    Attributes:
        stage: Its name.
        why: In a few words.
        log: What its command printed; None if it did not run.
    """

    stage: str
    why: str
    log: Path | None


@dataclass
class Outcome:
    """What came of a reproduction; each stage is in one of the lists."""

    unchanged: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def reproduce(repo: Repo, plan: Plan, ways: Ways) -> Outcome:
    """Brings stages up to date; one that fails lets those finish that do not depend on it.

    Args:
        repo: DVC's project, its lock held.
        plan: The stages, with what each of them waits for.
        ways: How they are run.
    """
    with ExitStack() as stack:
        return _Reproduction(repo, plan, ways, stack).run()


class _Failed(Exception):
    """A stage's result cannot be recorded."""


@dataclass
class _Running:
    """A stage whose command runs, or waits for a worker.

    Attributes:
        stage: DVC's.
        job: What the worker does.
        reads: What the stage read before it began, by path: hashes.
        locks: On the files that it reads and writes.
    """

    stage: Stage
    job: Job
    reads: dict[str, Any]
    locks: ExitStack


class _Reproduction:
    def __init__(self, repo: Repo, plan: Plan, ways: Ways, stack: ExitStack) -> None:
        self._repo, self._plan, self._ways, self._stack = repo, plan, ways, stack
        self._locks = stack.enter_context(ExitStack())  # let go of after the workers have ended
        self._record = Record([stage.addressing for stage in plan.order])
        self._estimates: Mapping[Stage, tuple[float, float]] = {}
        self._remaining: dict[Stage, float] = {}
        self._code: Any = None
        self._waits_for = {stage: set(plan.upstream[stage]) for stage in plan.order}
        self._running: dict[Task, _Running] = {}
        self._pool: Workers | None = None
        self._ended: Iterator[Task] = iter(())
        self._outcome = Outcome()

    def run(self) -> Outcome:
        while True:
            while (stage := self._ready()) is not None:
                del self._waits_for[stage]
                with self._failing(stage):
                    self._begin(stage)
            if not self._running:
                return self._outcome
            with unlocked(self._repo):
                task = next(self._ended)
            ended = self._running.pop(task)
            ended.locks.close()  # DVC's functions take them again
            with self._failing(ended.stage, ended.job.log):
                self._end(ended, task)

    def _ready(self) -> Stage | None:
        """Returns the stage to look at next, if one waits for no other and a worker will soon be free."""
        if self._running and len(self._running) >= AHEAD * self._ways.count():
            return None
        ready = [stage for stage, others in self._waits_for.items() if not others]
        return max(ready, key=lambda stage: self._remaining.get(stage, 0), default=None)

    def _begin(self, stage: Stage) -> None:
        """Settles a stage that need not run, and has a worker run any other."""
        if stage.frozen or not stage.cmd:  # nothing to run: DVC verifies its outputs, or fetches them
            if changed := stage.reproduce(force=self._ways.force):
                self._record.write(stage)
            self._settle("restored" if changed else "unchanged", stage)
        elif not (self._ways.force or stage.changed()):
            self._settle("unchanged", stage)
        elif self._restored(stage):
            self._save(stage)
            self._settle("restored", stage)
        else:
            stage.save_deps()
            self._start(stage)

    def _restored(self, stage: Stage) -> bool:
        """Removes a stage's outputs, and brings back those of a run with the same inputs if there was one."""
        if not self._estimates:
            self._estimates = self._ways.estimates()
            self._remaining = self._plan.remaining(
                {stage: each[0] for stage, each in self._estimates.items()}
            )
        stage.remove_outs(ignore_remove=False, force=False)
        if self._ways.force:
            return False
        try:
            self._repo.stage_cache.restore(stage, run_cache=self._ways.run_cache)
        except RunCacheNotFoundError:
            return False
        return True

    def _start(self, stage: Stage) -> None:
        name = stage.addressing
        pool = self._opened()
        warm = contents(self._ways.code) == self._code
        job = Job.of(stage, self._ways.logs / f"{name.replace('/', '_')}.log", warm=warm)
        locks = self._locks.enter_context(ExitStack())
        locks.enter_context(files_locked(stage))
        _, memory = self._estimates[stage]
        task = pool.submit(self._ways.work, job, key=name, priority=self._remaining[stage], memory=memory)
        self._running[task] = _Running(stage, job, _reads(stage), locks)
        self._ways.listener("started", stage)

    def _opened(self) -> Workers:
        if self._pool is None:
            self._code = contents(self._ways.code)
            self._pool = self._stack.enter_context(self._ways.open_workers())
            self._ended = self._pool.finished()
        return self._pool

    def _end(self, ended: _Running, task: Task) -> None:
        try:
            status = task.result()
        except Exception as error:  # its worker's
            raise _Failed(str(error)) from error
        if status:
            raise _Failed(f"its command ended with exit status {status}")
        ended.stage.save_deps()
        after = _reads(ended.stage)
        if changed := [path for path, before in ended.reads.items() if after[path] != before]:
            raise _Failed(f"{', '.join(changed)} changed while it ran")
        self._save(ended.stage)
        self._settle("finished", ended.stage)

    def _save(self, stage: Stage) -> None:
        """Hashes, caches and records what a stage read and wrote, as DVC does in ``Stage.run``."""
        uncached = [out for out in stage.outs if not (out.use_cache or out.is_metric or out.is_plot)]
        stage.save(run_cache=not uncached)
        stage.commit()
        self._record.write(stage)

    def _settle(self, event: Literal["unchanged", "restored", "finished"], stage: Stage) -> None:
        for each in self._plan.dependents[stage]:
            if each in self._waits_for:  # it is skipped if another of those that it needs failed
                self._waits_for[each].discard(stage)
        getattr(self._outcome, event).append(stage.addressing)
        self._ways.listener(event, stage)

    @contextmanager
    def _failing(self, stage: Stage, log: Path | None = None) -> Generator[None]:
        """Notes a stage that fails, and that those which depend on it will not run."""
        try:
            yield
        except (DvcException, OSError, _Failed) as error:
            self._outcome.failed.append(Failure(stage.addressing, str(error), log))
            self._ways.listener("failed", stage)
            self._skip_dependents(stage)

    def _skip_dependents(self, stage: Stage) -> None:
        for each in self._plan.dependents[stage]:
            if self._waits_for.pop(each, None) is not None:
                self._outcome.skipped.append(each.addressing)
                self._ways.listener("skipped", each)
                self._skip_dependents(each)


def _reads(stage: Stage) -> dict[str, Any]:
    return {dep.def_path: dep.hash_info for dep in stage.deps}
