"""Where the trainings of a run are tracked, if ``tracking.tensorboard`` requests it."""

from __future__ import annotations

from pathlib import Path

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node

from hypnos_pipeline.running.costs import kind
from hypnos_pipeline.study.environments import DEFAULT
from hypnos_pipeline.study.loading import StudyConfigLoader
from hypnos_pipeline.training.tracking import TrackingSettings, track_in

FOLDER = Path("data/tensorboard")
TRAININGS = ("hypnos", "dreambooth", "textual_inversion", "pretrain_discriminator")
"""Functions of the nodes that train something."""


class Tracking:
    """Tells trainings where to write, in whichever process they run.

    No node reads the setting, so no stage depends on it.
    """

    def __init__(self) -> None:
        self._loader: StudyConfigLoader | None = None  # whose setting was read: a large study takes a second
        self._on = False

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Names the folder of a training's event files: ``data/tensorboard/<env>/<subject>/…``."""
        loader = StudyConfigLoader.newest
        if kind(node) not in TRAININGS or loader is None:
            return
        if loader is not self._loader:
            self._loader, parameters = loader, loader["parameters"]
            self._on = TrackingSettings.model_validate(parameters.get("tracking", {})).tensorboard
        if self._on:
            env = loader.env or DEFAULT
            root = Path(loader.conf_source).parent
            track_in(root / FOLDER / env / Path(*node.name.split(".")))

    @hook_impl
    def after_node_run(self) -> None:
        """Ends it."""
        track_in(None)

    @hook_impl
    def on_node_error(self) -> None:
        """Ends it."""
        track_in(None)
