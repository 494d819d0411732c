"""The state of a finetuning run: what a checkpoint must hold to go on to the same bits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.models.contents import model_tensors, model_values
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints, prefixed, unprefixed

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.storage.settings import CheckpointSettings
    from hypnos_pipeline.training.loop import Finetuning
    from hypnos_pipeline.training.optimisation import Updater


def open_run(run: Finetuning, settings: CheckpointSettings, runtime: RuntimeSettings) -> Checkpoints | None:
    """Returns the run's checkpoints, keyed by everything its result depends on; None if it writes none.

    Draws need no saved state: each derives from seed, stream and step.
    """
    values = [run.settings.model_dump(), run.plain_prompt, run.seed, runtime.model_dump()]
    values += [run.latents.to_metadata(), model_values(run.model)]
    tensors = run.latents.to_tensors() | model_tensors(run.model)
    if run.adversary:
        values.append(run.adversary.settings.model_dump())
        tensors |= prefixed("discriminator", run.adversary.network.state_dict())
    if run.perceptual:
        tensors |= prefixed("perceptual", run.perceptual.network.state_dict())
    return open_checkpoints(settings, "finetune", values, tensors)


def save(run: Finetuning, step: int) -> None:
    """Saves a checkpoint when one is due; none after the last step, which needs no resuming."""
    if not run.checkpoints or step == run.settings.steps or not run.checkpoints.due(step):
        return
    tensors = _weights(run)
    values: dict[str, Any] = {
        "curve": run.curve,
        "draws": run.draws,
        "perceptual_steps_run": run.perceptual_steps_run,
        "gradients": run.gradients.state(),
        "accuracy_before": run.accuracy_before,
    }
    for name, updater in _updaters(run).items():
        state, rest = updater.state()
        tensors |= prefixed(name, state)
        values[name] = rest
    if run.previews:
        tensors |= prefixed("previews", run.previews.to_tensors())
    run.checkpoints.save(step, tensors, values)


def resume(run: Finetuning) -> int:
    """Restores the newest checkpoint; returns its step, or 0 without one."""
    state = run.checkpoints.load() if run.checkpoints else None
    if state is None:
        return 0
    tensors, values = state.tensors, state.values
    for name, network in _networks(run).items():
        network.load_state_dict(unprefixed(name, tensors))
    for name, updater in _updaters(run).items():
        updater.restore(unprefixed(name, tensors), values[name])
    run.curve, run.draws = values["curve"], Counter(values["draws"])
    run.perceptual_steps_run = values["perceptual_steps_run"]
    run.gradients.restore(values["gradients"])
    run.accuracy_before = values["accuracy_before"]
    if run.previews:
        run.previews.restore(unprefixed("previews", tensors))
    return state.step


def _networks(run: Finetuning) -> dict[str, torch.nn.Module]:
    return run.trained | ({"discriminator": run.discriminator} if run.discriminator is not None else {})


def _weights(run: Finetuning) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = {}
    for name, network in _networks(run).items():
        weights |= prefixed(name, network.state_dict())
    return weights


def _updaters(run: Finetuning) -> dict[str, Updater]:
    return {"updater": run.updater} | ({"joint": run.joint.updater} if run.joint else {})
