"""What a pool runs, and the simplest pool: this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypnos_pipeline.errors import WorkerDied

TRIES = 3
"""How many processes a task may lose. The last time it has the machine's memory for itself."""


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
        lost: How many processes were killed in the middle of it.
    """

    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    priority: float = 0
    memory: float = 0
    future: Any = field(default=None, repr=False)
    lost: int = 0
    _value: Any = field(default=None, repr=False)
    _error: Exception | None = field(default=None, repr=False)

    def result(self) -> Any:
        """Returns what the function returned, once the pool has yielded the task.

        Raises:
            WorkerDied: If its process was killed, again and again.
            Exception: What the function raised.
        """
        if self._error is not None:
            raise self._error
        return self._value

    def settle(self, result: Callable[[], Any]) -> None:
        """Keeps what came of it: a worker that dies later would take the result with it."""
        try:
            self._value, self._error = result(), None
        except WorkerDied as error:
            self.lost, self._error = self.lost + 1, error
        except Exception as error:
            self._error = error

    @property
    def cancelled(self) -> bool:
        """Whether the connection to its worker was lost before its end."""
        return isinstance(self._error, CancelledError)

    @property
    def again(self) -> bool:
        """Whether it is to start again."""
        return isinstance(self._error, WorkerDied) and self.lost < TRIES


class Here:
    """Runs tasks in this process, one after another: the pool of a run that has nothing side by side."""

    def __init__(self) -> None:
        self._waiting: list[Task] = []

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def submit(
        self, function: Callable[..., Any], *arguments: Any, key: str, priority: float = 0, memory: float = 0
    ) -> Task:
        """Adds a task, as :meth:`~hypnos_pipeline.running.pool.Pool.submit` does."""
        task = Task(key, function, arguments, priority, memory)
        self._waiting.append(task)
        return task

    def finished(self) -> Iterator[Task]:
        """Runs the tasks and yields each when it has ended, well or not."""
        while self._waiting:
            task = max(self._waiting, key=lambda each: each.priority)
            self._waiting.remove(task)
            task.settle(partial(task.function, *task.arguments))
            yield task
