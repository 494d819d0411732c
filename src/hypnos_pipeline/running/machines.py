"""The workers of a running Dask scheduler, on any machines, as a pool.

Nothing is started here. Every worker is looked at before its first task, also one that comes later. Those
that cannot take part are named, and the others do the work, each with one task at a time.
"""

from __future__ import annotations

import logging
import queue
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

from hypnos_pipeline.errors import ClusterError, Problem, WorkerDied, listed
from hypnos_pipeline.running.admission import Facts, Run, kind, own_facts, problems, worker_facts
from hypnos_pipeline.running.pool import Pool
from hypnos_pipeline.running.run_lock import FOLDER
from hypnos_pipeline.running.tasks import Task

CONNECT = 10
"""Seconds in which a scheduler must answer."""
LOOK = 30
"""Seconds after which a waiting run looks at least whether the scheduler is still there."""
END = 15
"""Seconds to wait for workers to end what is no longer wanted."""
_log = logging.getLogger(__name__)


class Machines(Pool):
    """The workers of a scheduler, while open; use it in a ``with`` statement.

    Args:
        scheduler: Its address, such as ``tcp://host:8786``; ``tls://`` takes Dask's own configuration.
        project: The project's folder, which all workers must see.
        networks: Folders of the networks that are read, by key.
        on_gpu: Whether the study computes on GPUs where there are some.
        memory: Bytes that the largest task may take.

    Raises:
        ClusterError: On entry, if no scheduler answers or all its workers are refused.
    """

    def __init__(
        self, scheduler: str, project: Path, networks: Mapping[str, str], *, on_gpu: bool, memory: float
    ) -> None:
        super().__init__(0, scheduler=scheduler)
        sign = (FOLDER / f"workers_{uuid4().hex}").as_posix()
        self._sign = project / sign
        self._run = Run(str(project), sign, networks, on_gpu, memory)
        self._here: Facts = {}
        self._admitted: dict[str, str] = {}  # what each computes on, by address
        self._refused: dict[str, list[Problem]] = {}
        self._at: dict[Task, str] = {}

    def __enter__(self) -> Machines:
        """Connects to the scheduler and looks at its workers."""
        self._connect()
        try:
            self._sign.parent.mkdir(parents=True, exist_ok=True)
            self._sign.touch()
            self._here = own_facts(self._run)
            self._look()
            if self._refused and not self._admitted:
                said = f"Nothing was run: no worker of {self._scheduler} can take part."
                raise ClusterError(f"{said}\n{listed(chain.from_iterable(self._refused.values()))}")
            if not self._admitted:
                _log.warning("%s has no workers yet; the run waits for one", self._scheduler)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what is still at work, by starting those workers anew, and lets go of the others."""
        self._sign.unlink(missing_ok=True)
        busy = [self._at[task] for task in self._running]
        try:
            if busy and self._client.status == "running":
                self._client.restart_workers(busy, timeout=END, raise_for_error=False)
        except Exception as error:  # they end by themselves, later
            _log.warning("%s: still at work on what is no longer wanted (%s)", ", ".join(busy), error)
        finally:
            super().__exit__()

    def _connect(self) -> None:
        import dask.config
        import distributed  # noqa: F401  # pyright: ignore[reportUnusedImport]  # its settings come first

        try:
            with dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT}s"}):
                super().__enter__()
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ClusterError(
                f"Nothing was run: no Dask scheduler answers at {self._scheduler} ({reason}). Start one with"
                " `dask scheduler`, or give --scheduler the address that it prints."
            ) from error

    @property
    def workers(self) -> int:
        """How many tasks can be at work at the same time now."""
        return len(self._admitted)

    def _start_some(self) -> None:
        try:
            self._look()
        except OSError as error:
            raise self._lost() from error
        super()._start_some()

    def _start(self, task: Task, **where: Any) -> None:
        taken = {self._at[other] for other in self._running if other in self._at and other is not task}
        self._at[task] = next(address for address in self._admitted if address not in taken)
        super()._start(task, workers=[self._at[task]])

    def _next(self) -> Task | None:
        """Waits for a task to end, for a worker to come or go, or for some time: None.

        Raises:
            ClusterError: If the connection to the scheduler is lost.
        """
        try:
            task = self._ended.get(timeout=LOOK)
        except queue.Empty:
            task = None
        if self._client.status != "running" or (task is not None and task.cancelled):
            raise self._lost()
        return task

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"The connection to the Dask scheduler at {self._scheduler} was lost. Nothing is half written"
            ", and what had finished is kept. Start scheduler and workers again, then go on with the same"
            " command and --only-missing-outputs."
        )

    def _look(self) -> None:
        """Lets go of the workers that are gone, and looks at those that are new."""
        there = self._client.nthreads()
        for address in self._admitted.keys() - there.keys():
            del self._admitted[address]
            for task in [task for task in self._running if self._at[task] == address]:
                task.future = None
                task.settle(_died(task))
                self._ended.put(task)
        if new := sorted(there.keys() - self._admitted.keys() - self._refused.keys()):
            self._admit(new)

    def _admit(self, addresses: list[str]) -> None:
        found = self._client.run(worker_facts, self._run, workers=addresses, on_error="return")
        refused: list[Problem] = []
        for address in addresses:
            facts = found.get(address)
            wrong = self._problems(address, facts)
            if wrong:
                self._refused[address] = wrong
                refused += wrong
            else:
                self._admitted[address] = kind(facts)
        if refused and self._admitted:
            _log.warning("These workers take no part; the others do the work.\n%s", listed(refused))
        kinds = defaultdict[str, list[str]](list)
        for address in self._admitted:
            kinds[self._admitted[address]].append(address)
        if len(kinds) > 1 and not kinds.keys() <= {
            self._admitted[a] for a in self._admitted if a not in addresses
        }:
            lines = [f"  - {name}: {', '.join(those)}" for name, those in kinds.items()]
            said = "The workers compute on different processors, so results may differ in their last digits:"
            _log.warning("%s\n%s", said, "\n".join(lines))

    def _problems(self, address: str, facts: Facts | BaseException | None) -> list[Problem]:
        if isinstance(facts, Mapping):
            name = facts["name"]
            return problems(
                address if name == address else f"{name} ({address})", facts, self._here, self._run
            )
        fix = f"install the project there from {self._run.project}, and restart the worker"
        return [Problem(address, f"cannot run this project's code ({facts})", fix)]


def _died(task: Task) -> Callable[[], Any]:
    def result() -> Any:
        raise WorkerDied(task.key, task.lost + 1, here=False)

    return result
