"""What goes with every run: its lock, the checkpoints of finished nodes, one message for a user's error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import settings
from kedro.pipeline import Pipeline

from hypnos_pipeline.running.failures import user_error
from hypnos_pipeline.running.plainly import shown_plainly
from hypnos_pipeline.running.run_lock import FOLDER, RunLock
from hypnos_pipeline.storage.checkpoints import discard_finished, keep_finished


class OneRunAtATime:
    """Locks what a run reads and writes from before its first node until after its last."""

    def __init__(self) -> None:
        self._lock: RunLock | None = None

    @hook_impl(trylast=True)  # a run that the checks refuse takes no lock
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Takes the lock.

        Raises:
            Busy: If another run is at work on the same artefacts.
        """
        self._release()  # Ctrl-C in a notebook: Kedro does not report that such a run ended
        env = run_params["env"] or settings.CONFIG_LOADER_ARGS["default_run_env"]
        reads = {name for name in pipeline.inputs() if not name.startswith("params:")}
        folder = Path(run_params["project_path"]) / FOLDER / env
        with shown_plainly():
            self._lock = RunLock(folder, reads - {"parameters"}, pipeline.all_outputs())

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Releases the lock."""
        self._release()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Releases the lock."""
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


class FinishedCheckpoints:
    """Removes the states that finished nodes could have gone on from, once their outputs are saved.

    Not earlier: if there is no room for the outputs, the next run is to go on from the last state.
    """

    @hook_impl
    def before_node_run(self) -> None:
        """Removes the states of the nodes before, whose outputs are saved."""
        discard_finished()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Removes the states of the last nodes."""
        discard_finished()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Keeps the state of a node whose outputs may not have been saved."""
        keep_finished()


class PlainErrors:
    """Ends a run that failed by a user's error with one message, not with what Kedro wrapped around it."""

    @hook_impl(trylast=True)  # the others still have to clear up
    def on_pipeline_error(self, error: Exception) -> None:
        """Raises the user's error that the run's error came from, if there is one.

        Raises:
            HypnosError: The cause; in a command, click's error with its message.
        """
        if cause := user_error(error):
            with shown_plainly():
                raise cause
