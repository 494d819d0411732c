"""Progress without a terminal: now and then a plain line about each node at work."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread

from hypnos_pipeline.running import words
from hypnos_pipeline.running.board import Board, Row

FIRST, EVERY = 5.0, 30.0
"""Seconds after which a node is reported first, and then again."""


class Lines:
    """Prints lines to stderr.

    Args:
        board: What they are about.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        board.on_end = self._ended

    def tick(self) -> None:
        """Prints a line for every node that is due."""
        now = self.board.clock()
        for row in self.board.rows():
            if now - row.began >= FIRST and (row.reported is None or now - row.reported >= EVERY):
                row.reported = now
                _print(words.line(row, now))

    def _ended(self, row: Row, seconds: float, failed: bool) -> None:
        resumed = row.work in self.board.resumed
        if seconds >= FIRST or resumed:
            how = ", going on from a saved state" if resumed else ""
            _print(
                f"{words.name(row)}: {'failed after' if failed else 'done in'} {words.duration(seconds)}{how}"
            )


def _print(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


@contextmanager
def printed(board: Board) -> Generator[None]:
    """Prints lines about a board meanwhile, from a thread of their own."""
    lines, over = Lines(board), Event()

    def tell() -> None:
        while not over.wait(1.0):
            lines.tick()

    thread = Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
