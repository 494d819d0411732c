"""The one loop that drives every training, from its newest checkpoint to its last step.

A training defines its step and its state. When that state is saved, how a killed run goes on from it and what
is shown meanwhile is the same for finetuning, textual inversion, the discriminator's pretraining and the
miniature networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hypnos_pipeline.progress import Bar
from hypnos_pipeline.storage.checkpoints import prefixed, unprefixed
from hypnos_pipeline.training.tracking import tracked

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.storage.checkpoints import Checkpoints
    from hypnos_pipeline.training.previews import PreviewStrip

Row = dict[str, float]
"""One step of a learning curve: its loss and whatever else was measured."""


class Training(Protocol):
    """Anything that learns step by step.

    Every random draw of a step comes from a generator made of the seed, a name and the step's number. So a
    state needs no generators, and a step gives the same bits in a resumed run.
    """

    def step(self, step: int) -> Row | None:
        """Makes one step, counted from 1.

        Returns:
            What was measured, ``loss`` among it; None if the step changed nothing and must be repeated.
        """
        ...

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Returns all that steps change, as tensors (on any device, not copied) and as JSON values."""
        ...

    def restore(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        ...


def drive(
    training: Training,
    steps: int,
    label: str,
    checkpoints: Checkpoints | None = None,
    previews: PreviewStrip | None = None,
) -> list[Row]:
    """Makes all steps that the newest checkpoint has not, under a progress bar.

    Args:
        training: What is trained.
        steps: The number of the last step; nothing is saved after it, as nothing is left to resume.
        label: What the progress bar says is done.
        checkpoints: Of this very training; None saves nothing. At the end they are marked as finished.
        previews: Samples the model in training and is saved with it; changes nothing of the training.

    Returns:
        The learning curve of all steps, those before the checkpoint included.
    """
    curve = _resume(training, checkpoints, previews)
    with Bar(label, steps, "step", len(curve)) as bar, tracked(len(curve)) as track:
        while len(curve) < steps:
            step = len(curve) + 1
            row = training.step(step)
            if row is None:
                continue
            curve.append({"step": step} | row)
            bar.advance(loss=row["loss"])
            if previews:
                previews.after(step)
            track(curve[-1], previews.frames.get(step) if previews else None)
            if checkpoints and step < steps and checkpoints.due(step):
                tensors, values = training.state()
                tensors = prefixed("training", tensors)
                if previews:
                    tensors |= prefixed("previews", previews.to_tensors())
                checkpoints.save(step, tensors, {"training": values, "curve": curve})
    if checkpoints:
        checkpoints.finish()
    return curve


def _resume(training: Training, checkpoints: Checkpoints | None, previews: PreviewStrip | None) -> list[Row]:
    """Restores the newest checkpoint; returns the learning curve up to it, empty without one."""
    state = checkpoints.load() if checkpoints else None
    if state is None:
        return []
    training.restore(unprefixed("training", state.tensors), state.values["training"])
    if previews:
        previews.restore(unprefixed("previews", state.tensors))
    return state.values["curve"]
