"""What a person sees of a run: how far it is while it goes on, and where to look when it has ended."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from kedro.framework.hooks import hook_impl
from kedro.framework.project import settings
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from hypnos_pipeline import progress
from hypnos_pipeline.configuration.messages import shown as path_shown
from hypnos_pipeline.running import timings
from hypnos_pipeline.running.board import Board
from hypnos_pipeline.running.lines import printed
from hypnos_pipeline.running.made import where_to_look
from hypnos_pipeline.running.run_log import run_log
from hypnos_pipeline.running.table import live
from hypnos_pipeline.running.words import duration
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import Study

FORKING = "ParallelRunner"
"""Kedro's own: its processes are copies of this one, which no thread that shows progress survives."""


@contextmanager
def shown(expected: Mapping[str, float] | None = None) -> Generator[Board]:
    """Shows the progress of whatever is done meanwhile: as a table on a terminal, elsewhere as lines.

    Args:
        expected: The names of all nodes or stages and what each costs, for the line of the whole run.
    """
    board = Board(expected or {})
    with progress.sent_to(board.receive), live(board) if sys.stderr.isatty() else printed(board):
        yield board


class ShownProgress:
    """Shows how far a run is, keeps its log and the times of its nodes, and says where to look at its end.

    Attributes:
        log: The file of the newest run's log.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._board: Board | None = None
        self._study: Study | None = None
        self.log: Path | None = None

    @hook_impl(trylast=True)  # a run that the checks refuse shows nothing
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Opens table and log, unless another process shows what this one does."""
        self._close()  # Ctrl-C in a notebook: Kedro does not report that such a run ended
        self._board = None
        if progress.is_sent():
            return
        root, env = place(run_params)
        self.log = self._open.enter_context(run_log(root, env))
        self._board = Board({})
        if FORKING not in run_params["runner"]:
            self._study = Study.from_parameters(current_parameters())
            expected = timings.expected(pipeline, self._study, timings.known(root, env))
            self._board = self._open.enter_context(shown(expected))
        atexit.register(self._close)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Reports that a node begins."""
        progress.begin(node.name)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Reports that a node has ended."""
        progress.end(node.name)

    @hook_impl(tryfirst=True)  # another may raise a plainer error
    def on_node_error(self, node: Node) -> None:
        """Reports that a node failed."""
        progress.end(node.name, failed=True)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Closes the table, keeps what nodes took, and says where to look."""
        board = self._ended(run_params, pipeline)
        if board is not None:
            lines = where_to_look(pipeline.all_outputs(), catalog)
            _say([f"Finished in {duration(board.whole().elapsed)}.", *lines])

    @hook_impl
    def on_pipeline_error(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Closes the table and says where the log is; the error itself says what is finished."""
        board = self._ended(run_params, pipeline)
        if board is not None:
            log = "" if self.log is None else f" The log is {path_shown(self.log)}."
            _say([f"Ended after {duration(board.whole().elapsed)}.{log}"])

    def _ended(self, run_params: dict[str, Any], pipeline: Pipeline) -> Board | None:
        """Closes the table; returns what it showed, None if another process shows this one's progress."""
        board = self._board
        self._close()
        if board is not None and self._study is not None:
            root, env = place(run_params)
            timings.remember(root, env, pipeline, self._study, board)
        return board

    def _close(self) -> None:
        self._open.close()
        atexit.unregister(self._close)


def place(run_params: Mapping[str, Any]) -> tuple[Path, str]:
    """Returns the project's folder and the environment of a run."""
    env = run_params["env"] or settings.CONFIG_LOADER_ARGS["default_run_env"]
    return Path(run_params["project_path"]), env


def of_kedro_run() -> bool:
    """Returns whether it was ``kedro run`` that was called, in this process."""
    command = click.get_current_context(silent=True)
    return command is not None and command.command.name == "run" and not progress.is_sent()


def _say(lines: list[str]) -> None:
    if of_kedro_run():
        click.echo("\n".join(lines), err=True)
