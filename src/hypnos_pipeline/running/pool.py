"""A pool of worker processes, on this machine or on many: what runs side by side runs here.

Dask starts the processes, carries functions and results, and starts another process for one that has died.
Which task goes next, and how many fit into memory, is decided here: a worker has one task at a time, the next
one is chosen only when a worker is free, and a task whose process was killed starts again in another one.
What workers report (:mod:`hypnos_pipeline.progress`) and log is reported and logged by the process that
opened the pool.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from threading import Lock
from typing import Any
from uuid import uuid4

from hypnos_pipeline import progress
from hypnos_pipeline.errors import RunError, WorkerDied
from hypnos_pipeline.running.cluster import kill_workers, local_cluster, quiet
from hypnos_pipeline.running.tasks import TRIES, Here, Task

PATIENCE = 120
"""Seconds to wait for a worker where there is none."""
LOGGED = "logged"
"""The kind of event that carries a log record."""
_log = logging.getLogger(__name__)


class Pool(Here):
    """Worker processes, while open; use it in a ``with`` statement.

    Args:
        workers: How many processes to start on this machine.
        scheduler: Address of a running Dask scheduler; nothing is started then (see
            :class:`~hypnos_pipeline.running.machines.Machines`).
        memory: Bytes that the tasks at work may take together; without, any.
        gpus: Names of GPUs as ``CUDA_VISIBLE_DEVICES`` lists them, one for each worker; empty if none.
        eager: Whether the next task starts before an ended one is yielded, for callers that take long with
            each; otherwise what they submit then can go first.
    """

    def __init__(
        self,
        workers: int,
        *,
        scheduler: str | None = None,
        memory: float = float("inf"),
        gpus: Sequence[str] = (),
        eager: bool = False,
    ) -> None:
        super().__init__()
        self._started, self._scheduler, self._gpus = workers, scheduler, gpus
        self._memory, self._eager = memory, eager
        self._topic = f"hypnos-{uuid4().hex}"
        self._running: set[Task] = set()
        self._ended: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._client: Any = None
        self._open = ExitStack()

    def __enter__(self) -> Pool:
        """Starts the workers, or connects to the scheduler."""
        from distributed import Client

        with ExitStack() as stack:
            stack.enter_context(quiet())
            cluster = self._scheduler or stack.enter_context(local_cluster(self._started, self._gpus))
            self._client = stack.enter_context(Client(cluster, set_as_default=False))
            for topic, handler in ((self._topic, _heard), ("all", self._watch)):
                self._client.subscribe_topic(topic, handler)
                stack.callback(self._client.unsubscribe_topic, topic)
            if self._scheduler is None:
                stack.callback(kill_workers, cluster)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the workers that were started, whatever they are at."""
        self._open.close()

    @property
    def workers(self) -> int:
        """How many tasks can be at work at the same time now: fewer while a process is started anew."""
        return sum(self._client.nthreads().values())

    def submit(
        self, function: Callable[..., Any], *arguments: Any, key: str, priority: float = 0, memory: float = 0
    ) -> Task:
        """Adds a task; it starts when :meth:`finished` waits, a worker is free and its memory fits.

        Args:
            function: Importable by its name.
            arguments: For the function; they are pickled.
            key: Names the task, in messages too.
            priority: Those with a higher one start first.
            memory: Bytes that it may take.
        """
        return super().submit(function, *arguments, key=key, priority=priority, memory=memory)

    def finished(self) -> Iterator[Task]:
        """Yields tasks as they end, well or not, until none is left; more may be submitted meanwhile.

        Raises:
            RunError: If no worker has come up in a while.
        """
        while True:
            self._start_some()
            if not self._running and not self._waiting:
                return
            task = self._next()
            if task is None:
                continue
            self._running.remove(task)
            if task.again:
                said = "%s: its process was killed; it starts again in another one (%d of %d tries)"
                _log.warning(said, task.key, task.lost + 1, TRIES)
                if task.lost + 1 == TRIES:
                    task.memory = float("inf")
                self._waiting.append(task)
                continue
            if self._eager:
                self._start_some()
            yield task

    def _next(self) -> Task | None:
        """Waits for a task to end, or for a worker to come or go: None."""
        try:
            return self._ended.get(timeout=None if self._running else PATIENCE)
        except queue.Empty:
            where = self._scheduler or "this machine"
            raise RunError(f"no worker process has come up on {where} for {PATIENCE} s") from None

    def _start_some(self) -> None:
        """Starts the first tasks that fit; where none is at work, the first one fits."""
        self._waiting.sort(key=lambda task: -task.priority)  # stable: as they came where it is the same
        free = self.workers - len(self._running) if self._waiting else 0
        left = self._memory - sum(task.memory for task in self._running)
        for task in list(self._waiting):
            if free < 1:
                return
            if task.memory > left and self._running:
                continue
            self._waiting.remove(task)
            self._running.add(task)
            free, left = free - 1, left - task.memory
            self._start(task)

    def _start(self, task: Task, **where: Any) -> None:
        work = (_work, self._topic, task.function, task.arguments)
        task.future = self._client.submit(*work, key=f"{task.key} {uuid4().hex}", **where)
        task.future.add_done_callback(partial(self._end, task))

    def _end(self, task: Task, future: Any) -> None:
        if task.future is not future:  # its worker is known to be gone
            return
        task.settle(partial(_result, task.key, future))
        task.future = None
        self._ended.put(task)

    def _watch(self, event: tuple[float, progress.Event]) -> None:
        """Wakes whoever waits for a free worker."""
        if event[1].get("action") in ("add-worker", "remove-worker"):
            self._ended.put(None)


def _result(key: str, future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        raise WorkerDied(key, TRIES) from None


def _heard(message: tuple[float, dict[str, progress.Event]]) -> None:
    """Reports and logs here what a worker reported and logged there."""
    event = message[1]["event"]
    if event["kind"] != LOGGED:
        progress.emit(event)
        return
    record = logging.makeLogRecord(event["record"])
    logging.getLogger(record.name).handle(record)


_at_work = False
_one_at_a_time = Lock()


def in_worker() -> bool:
    """Returns whether a task of a pool is at work in this process."""
    return _at_work


def _work(topic: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Runs in a worker, which may have more threads, or tasks of other runs."""
    global _at_work
    from distributed import get_worker

    worker = get_worker()
    with _one_at_a_time, progress.sent_to(lambda event: worker.log_event(topic, {"event": event})):
        _at_work = True
        try:
            return function(*arguments)
        finally:
            _at_work = False


class _ToThePool(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        plain = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname, "msg": text}
        progress.emit({"kind": LOGGED, "record": plain | {"created": record.created}})


def log_to_the_pool() -> None:
    """In a worker, once logging is configured: hands what is logged to the process that opened the pool."""
    if in_worker():
        logging.getLogger().handlers[:] = [_ToThePool()]
