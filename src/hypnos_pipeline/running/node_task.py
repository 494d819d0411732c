"""One node of a run, as a task: in this process, or in a worker that knows nothing of the run yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks.manager import (
    _create_hook_manager,  # pyright: ignore[reportPrivateUsage]
    _register_hooks,  # pyright: ignore[reportPrivateUsage]
    _register_hooks_entry_points,  # pyright: ignore[reportPrivateUsage]
)
from kedro.framework.project import settings
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline.node import Node
from kedro.runner.task import Task

from hypnos_pipeline.models.kept import release
from hypnos_pipeline.running.failures import Failure
from hypnos_pipeline.running.pool import log_to_the_pool
from hypnos_pipeline.storage.checkpoints import discard_finished, keep_finished
from hypnos_pipeline.study.loading import StudyConfigLoader

if TYPE_CHECKING:
    from kedro.framework.hooks.manager import PluginManager  # pyright: ignore[reportPrivateImportUsage]


@dataclass(frozen=True)
class Place:
    """Which project, configuration and parameters a run is of.

    Attributes:
        conf_source: The folder of configuration; the project's folder is above it.
        env: The environment; None for the default.
        runtime_params: Of ``kedro run --params``.
    """

    conf_source: str
    env: str | None
    runtime_params: Mapping[str, Any]

    @classmethod
    def current(cls) -> Place:
        """Returns that of the run in this process."""
        loader = StudyConfigLoader.newest
        assert loader is not None, "Kedro makes one before any run"
        return cls(str(loader.conf_source), loader.env, dict(loader.runtime_params or {}))

    @property
    def project(self) -> Path:
        """The project's folder."""
        return Path(self.conf_source).parent


def run_node(task: Task) -> Failure | None:
    """Runs a node with its hooks; returns why it failed, None if it did not."""
    try:
        task.execute()
    except Exception as error:
        keep_finished()
        return Failure.of(error)
    discard_finished()
    return None


def run_node_there(
    place: Place,
    node: Node,
    datasets: dict[str, AbstractDataset[Any, Any]],
    run_id: str | None,
    is_async: bool,
) -> Failure | None:
    """Runs a node in a worker.

    Args:
        place: Where the run is.
        node: The node; its function and arguments are importable.
        datasets: All that it reads and writes, parameters too.
        run_id: Kedro's.
        is_async: Whether datasets are loaded and saved in threads.
    """
    return run_node(Task(node, DataCatalog(datasets), is_async, _hooks(place, run_id), run_id))


_prepared: tuple[Place, str | None, PluginManager] | None = None


def _hooks(place: Place, run_id: str | None) -> PluginManager:
    """Prepares this process for a run, once; returns the hooks of its nodes."""
    global _prepared
    if _prepared is None or _prepared[:2] != (place, run_id):
        release()  # what an earlier run has loaded may have changed since
        from kedro.framework.startup import bootstrap_project

        os.chdir(place.project)
        bootstrap_project(place.project)
        log_to_the_pool()
        StudyConfigLoader(  # remembers itself, for messages that name the study's file
            place.conf_source,
            env=place.env,
            runtime_params=dict(place.runtime_params),
            **settings.CONFIG_LOADER_ARGS,
        )
        manager = _create_hook_manager()
        _register_hooks(manager, settings.HOOKS)
        _register_hooks_entry_points(manager, settings.DISABLE_HOOKS_FOR_PLUGINS)
        _prepared = place, run_id, manager
    return _prepared[2]
