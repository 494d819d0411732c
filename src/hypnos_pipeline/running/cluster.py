"""Dask's scheduler in a thread of this process, and its workers in processes: one machine as a cluster.

Everything listens on the loopback address only, and answers only those that hold the certificate which each
cluster makes for itself: a worker runs whatever it is sent, so other users of the machine must not reach it.
Workers never outlive this process, even if it is killed: each watches a pipe to it.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

ENVIRONMENT = {
    **{name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "PYTHONWARNINGS": "ignore:resource_tracker",  # killed workers leave locks to Python, which removes them
}
"""Of the workers, before they import anything."""
SETTINGS: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 0,  # the pool starts a task again, when a worker is free
    "distributed.scheduler.worker-ttl": None,  # a stage that holds Python's lock for minutes is not dead
    "distributed.comm.timeouts.connect": "120s",  # on a machine that is busy with other things
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.use-file-locking": False,
    "distributed.diagnostics.nvml": False,
    "distributed.admin.tick.limit": "1h",  # no advice about a busy process
    "distributed.admin.system-monitor.interval": "1h",
    # Dask's own default also tells the allocator to return memory at once, which training pays for.
    "distributed.nanny.pre-spawn-environ": {},
}
"""Dask's, where its own do not suit stages that take minutes."""


@contextmanager
def local_cluster(workers: int, gpus: Sequence[str] = ()) -> Generator[Any]:
    """Starts a scheduler and workers; end these with :func:`kill_workers` first.

    Args:
        workers: Processes; each has one task at a time, in one thread.
        gpus: Names as in ``CUDA_VISIBLE_DEVICES``; every worker sees one of them. Empty if there are none.

    Yields:
        Dask's cluster.
    """
    import dask.config
    from distributed import Nanny, Scheduler, SpecCluster
    from distributed.security import Security

    with ExitStack() as stack:
        stack.enter_context(_environment(ENVIRONMENT))
        folder = tempfile.mkdtemp(prefix="hypnos-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(dask.config.set({**SETTINGS, "temporary-directory": folder}))
        security = Security.temporary()  # pyright: ignore[reportUnknownMemberType]
        here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "dashboard": False}
        here |= {"protocol": "tls://", "security": security}
        options = here | {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.CRITICAL}
        nannies = {
            number: {"cls": Nanny, "options": options | {"env": _one_gpu(gpus, number)}}
            for number in range(workers)
        }
        scheduler = {"cls": Scheduler, "options": here | {"port": 0}}
        with _interrupts_held_back():  # threads and processes inherit this: Ctrl-C is for this process alone
            secret: dict[str, Any] = {"security": security, "silence_logs": logging.CRITICAL}
            cluster = SpecCluster(workers=nannies, scheduler=scheduler, **secret)
            stack.callback(cluster.close)
        shutil.rmtree(folder)  # nothing is ever put there, and a killed run leaves none behind
        yield cluster


@contextmanager
def quiet() -> Generator[None]:
    """Keeps Dask's own log to itself meanwhile: what goes wrong is said by the pool."""
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


def _one_gpu(gpus: Sequence[str], number: int) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}


@contextmanager
def _interrupts_held_back() -> Generator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def kill_workers(cluster: Any) -> None:
    """Ends all workers at once: what they leave half done is as after any kill."""

    async def kill() -> None:
        for nanny in cluster.workers.values():
            nanny.close_gracefully()  # it starts no other process
            if nanny.pid is not None:
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(nanny.pid, signal.SIGKILL)

    cluster.sync(kill)
