"""A pool of worker processes, on this machine or on many, by Dask.

Dask starts the processes, carries functions and results, and starts another process for one that has died.
Which task goes next, and how many fit into memory, is decided here: a worker has one task at a time, the next
one is chosen only when a worker is free, and a task whose process was killed starts again in another one.

Workers never outlive the process that started them, even if it is killed: each watches a pipe to it.
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from hypnos_pipeline.errors import RunError, WorkerDied

Message = dict[str, Any]
"""What a worker reports while it works: text, numbers, lists and dictionaries."""

_LOG = logging.getLogger(__name__)
TRIES = 4
"""How many processes a task may lose."""
PATIENCE = 120
"""Seconds to wait for a worker where there is none."""
ENVIRONMENT = {
    **{name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
    "DASK_LOGGING__DISTRIBUTED": "critical",
}
"""Of the workers, before they import anything."""
SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # the pool starts a task again, when a worker is free
    "distributed.scheduler.worker-ttl": None,  # a stage that holds Python's lock for minutes is not dead
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.use-file-locking": False,
    "distributed.diagnostics.nvml": False,
    "distributed.admin.tick.limit": "1h",  # no advice about a busy process
    # Dask's own default also tells the allocator to return memory at once, which training pays for.
    "distributed.nanny.pre-spawn-environ": {},
}


@dataclass(eq=False)
class Task:
    """A function call in a worker.

    Attributes:
        key: Names it, in messages too.
        function: Importable by its name.
        arguments: For the function; they are pickled.
        priority: Those with a higher one start first.
        memory: Bytes that it may take.
        future: Dask's own, while the task is at work.
        lost: How many processes ended in the middle of it.
    """

    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    priority: float = 0
    memory: float = 0
    future: Any = field(default=None, repr=False)
    lost: int = 0
    _value: Any = field(default=None, repr=False)
    _error: BaseException | None = field(default=None, repr=False)

    def result(self) -> Any:
        """Returns what the function returned, once the pool has yielded the task.

        Raises:
            WorkerDied: If the worker's process ended in the middle of it, again and again.
            Exception: What the function raised.
        """
        if self._error is not None:
            raise self._error
        return self._value

    def settle(self) -> None:
        """Fetches what came of it: a worker that dies later would take the result with it."""
        from distributed import KilledWorker

        try:
            self._value, self._error = self.future.result(), None
        except KilledWorker:
            self.lost += 1
            self._error = WorkerDied(self.key, self.lost)
        except Exception as error:
            self._error = error
        self.future = None

    @property
    def again(self) -> bool:
        """Whether it is to start again."""
        return isinstance(self._error, WorkerDied) and self.lost < TRIES


class Pool:
    """Worker processes, while open; use it in a ``with`` statement.

    Args:
        workers: How many processes to start on this machine.
        scheduler: Address of a running Dask scheduler (``tcp://host:8786``), whose workers are used
            instead; nothing is started then.
        memory: Bytes that the tasks at work may take together; without, any.
        gpus: Names of GPUs as ``CUDA_VISIBLE_DEVICES`` lists them, one for each worker; empty if none.
        on_message: Called with a task's key and what :func:`report` was given there, in another thread.
    """

    def __init__(
        self,
        workers: int,
        *,
        scheduler: str | None = None,
        memory: float = float("inf"),
        gpus: Sequence[str] = (),
        on_message: Callable[[str, Message], None] | None = None,
    ) -> None:
        self._started, self._address, self._gpus = workers, scheduler, gpus
        self._memory, self._on_message = memory, on_message
        self._topic = f"hypnos-{uuid4().hex}"
        self._waiting: list[Task] = []
        self._running: set[Task] = set()
        self._ended: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._stack = ExitStack()

    def __enter__(self) -> Pool:
        """Starts the workers, or connects to the scheduler."""
        import dask
        from distributed import Client

        with ExitStack() as stack:
            stack.enter_context(dask.config.set(SETTINGS))
            stack.enter_context(_quiet())
            where = self._address or stack.enter_context(_local_cluster(self._started, self._gpus))
            self._client = stack.enter_context(Client(where, set_as_default=False))
            for topic, handler in ((self._topic, self._heard), ("all", self._watch)):
                self._client.subscribe_topic(topic, handler)
                stack.callback(self._client.unsubscribe_topic, topic)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the workers, whatever they are at."""
        self._stack.close()

    @property
    def workers(self) -> int:
        """How many tasks can be at work at the same time now: fewer while a process is started anew."""
        return sum(self._client.nthreads().values())

    def submit(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        key: str,
        priority: float = 0,
        memory: float = 0,
    ) -> Task:
        """Adds a task; it starts when :meth:`finished` waits, a worker is free and its memory fits."""
        task = Task(key, function, arguments, priority, memory)
        self._waiting.append(task)
        return task

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
                _LOG.warning(said, task.key, task.lost + 1, TRIES)
                self._waiting.append(task)
            else:
                yield task

    def _next(self) -> Task | None:
        """Waits for a task to end, or for a worker to come or go: None."""
        try:
            return self._ended.get(timeout=None if self._running else PATIENCE)
        except queue.Empty:
            where = self._address or "this machine"
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

    def _start(self, task: Task) -> None:
        task.future = self._client.submit(
            _work, self._topic, task.key, task.function, task.arguments, key=f"{task.key} {uuid4().hex}"
        )
        task.future.add_done_callback(partial(self._end, task))

    def _end(self, task: Task, _: object) -> None:
        task.settle()
        self._ended.put(task)

    def _heard(self, event: tuple[float, Message]) -> None:
        _, message = event
        if self._on_message is not None:
            self._on_message(message["task"], message["message"])

    def _watch(self, event: tuple[float, Message]) -> None:
        """Wakes whoever waits for a free worker."""
        _, message = event
        if message.get("action") in ("add-worker", "remove-worker"):
            self._ended.put(None)


_report: Callable[[Message], None] | None = None


def report(message: Message) -> None:
    """Tells the process that opened the pool what the task at work here is doing; elsewhere does nothing."""
    if _report is not None:
        _report(message)


def in_worker() -> bool:
    """Returns whether a task of a pool is at work in this process."""
    return _report is not None


def _work(topic: str, key: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Runs in a worker."""
    global _report
    from distributed import get_worker

    worker = get_worker()
    _report = lambda message: worker.log_event(topic, {"task": key, "message": message})  # noqa: E731
    try:
        return function(*arguments)
    finally:
        _report = None


@contextmanager
def _quiet() -> Generator[None]:
    """Keeps Dask's own log to itself: what goes wrong is said by the pool."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Generator[None]:
    """Sets what the workers are to inherit, and takes it back with what Dask sets besides."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _local_cluster(workers: int, gpus: Sequence[str]) -> Generator[Any]:
    """Starts a scheduler in a thread of this process and workers in processes, reachable from here only."""
    import dask
    from distributed import Nanny, Scheduler, SpecCluster

    with ExitStack() as stack:
        stack.enter_context(_environment(ENVIRONMENT))
        folder = tempfile.mkdtemp(prefix="hypnos-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(dask.config.set({"temporary-directory": folder}))
        here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "dashboard": False}
        options = here | {
            "nthreads": 1,
            "memory_limit": 0,
            "silence_logs": logging.CRITICAL,
        }
        spec = {
            number: {"cls": Nanny, "options": options | {"env": _one_gpu(gpus, number)}}
            for number in range(workers)
        }
        scheduler = {"cls": Scheduler, "options": here | {"port": 0}}
        with _interrupts_held_back():  # threads and processes inherit this: Ctrl-C is for this process alone
            cluster = SpecCluster(workers=spec, scheduler=scheduler, silence_logs=logging.CRITICAL)
        stack.callback(cluster.close)
        stack.callback(_kill, cluster)
        shutil.rmtree(folder)  # nothing is ever put there, and a killed run leaves none behind
        yield cluster


def _one_gpu(gpus: Sequence[str], number: int) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}


@contextmanager
def _interrupts_held_back() -> Generator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kill(cluster: Any) -> None:
    """Ends all workers at once: what they leave half done is as after any kill."""

    async def kill() -> None:
        for nanny in cluster.workers.values():
            nanny.close_gracefully()  # it starts no other process
            if nanny.pid is not None:
                os.kill(nanny.pid, signal.SIGKILL)

    cluster.sync(kill)
