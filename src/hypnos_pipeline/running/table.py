"""Progress on a terminal: one live table, below whatever else is printed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

from hypnos_pipeline.running import words
from hypnos_pipeline.running.board import Board

if TYPE_CHECKING:
    from rich.console import Group


def table(board: Board, height: int) -> Group:
    """Returns the table: a row for each node at work and one line for the whole run.

    Args:
        board: What it shows.
        height: Lines that there is room for; what does not fit is counted.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    now, rows, whole = board.clock(), board.rows(), board.whole()
    grid = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for name in ("stage", "subject", "method"):
        grid.add_column(name)
    for name in ("step", "loss", "rate", "left"):
        grid.add_column(name, justify="right", no_wrap=True)
    room = max(1, height - 4)
    for row in rows[:room]:
        names = [Text(name, no_wrap=True, overflow="ellipsis") for name in row.names]
        loss = f"{row.figures['loss']:.4g}" if "loss" in row.figures else ""
        grid.add_row(*names, words.steps(row), loss, words.rate(row, now), words.left(row, now))
    parts: list[Table | Text] = [grid] if rows else []
    if len(rows) > room:
        parts.append(Text(f"and {len(rows) - room} more", style="dim"))
    if whole.total:
        parts.append(Text(words.whole(whole), style="bold"))
    return Group(*parts)


@contextmanager
def live(board: Board) -> Generator[None]:
    """Shows a board on the terminal meanwhile; what is logged or printed appears above it."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)

    def render() -> Group:
        return table(board, console.height)

    shown = Live(get_renderable=render, console=console, refresh_per_second=2, transient=True)
    before = sys.stderr
    with shown:
        console.show_cursor(True)  # it would stay hidden if the process were killed
        moved = _redirected(before, sys.stderr)
        try:
            yield
        finally:
            for handler in moved:
                handler.setStream(before)


def _redirected(old: TextIO, new: TextIO) -> list[logging.StreamHandler[TextIO]]:
    """Has logs that go to one stream go to another; returns the handlers that it changed."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    moved: list[logging.StreamHandler[TextIO]] = []
    for handler in {handler: None for logger in loggers for handler in logger.handlers}:
        if isinstance(handler, logging.StreamHandler):
            to_stream = cast("logging.StreamHandler[TextIO]", handler)
            if to_stream.stream is old:
                to_stream.setStream(new)
                moved.append(to_stream)
    return moved
