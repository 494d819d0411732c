"""A pool of threads in place of worker processes: for stages that run nothing but the shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any


class Threads(ThreadPoolExecutor):
    """Does jobs as a pool of processes does."""

    def __init__(self) -> None:
        super().__init__(3)
        self._futures: set[Future[int]] = set()

    def submit(  # type: ignore[override]
        self, function: Callable[..., int], *arguments: Any, key: str, priority: float, memory: float
    ) -> Future[int]:
        future = super().submit(function, *arguments)
        self._futures.add(future)
        return future

    def finished(self) -> Iterator[Future[int]]:
        while self._futures:
            done = wait(self._futures, return_when=FIRST_COMPLETED).done.pop()
            self._futures.remove(done)
            yield done
