"""A training step of ours against the bare arithmetic of it, and HYPNOS against DreamBooth.

The bare step is what no trainer can leave out: UNet and text encoder forward, backward and the optimiser, on
tensors that lie ready. ``bare`` encodes a prompt per sample, as trainers do; ``bare_distinct`` encodes each
different prompt once, as ours does, and so is the harder one to keep up with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import miniature
from benchmarks.program import Build, Pair, run_contest
from benchmarks.trainings import bare_step, finetuning

STEPS_A_TURN = 4
PAIRS = (
    Pair("DreamBooth step : bare step, a prompt per sample", "dreambooth", "bare", goal=1.10),
    Pair("DreamBooth step : bare step, distinct prompts", "dreambooth", "bare_distinct", goal=1.10),
    Pair("HYPNOS step while L_p acts : DreamBooth step", "hypnos_early", "dreambooth"),
    Pair("HYPNOS step after that : DreamBooth step", "hypnos_late", "dreambooth"),
    Pair(f"DreamBooth, its state saved every {STEPS_A_TURN} steps : not saved", "saving", "dreambooth"),
)


def bare(settings: argparse.Namespace, distinct: bool = False) -> Callable[[], int]:
    """Makes the bare step ready."""
    import torch

    miniature.runtime(settings.threads)
    method, model = _methods()["dreambooth"], miniature.text_to_image()
    networks = [model.unet.requires_grad_(True), model.text_encoder.requires_grad_(True)]
    parameters = [parameter for network in networks for parameter in network.parameters()]
    rate, decay = method.learning_rate, method.optimiser.weight_decay
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    _, latents = miniature.pool_and_latents(settings.smallest)
    batches, prompts = (
        (method.instance_batch, method.class_batch),
        ("a photo of sks robot", "a photo of robot"),
    )
    return _turns(settings, bare_step(model, optimiser, batches, prompts, latents.shape, distinct=distinct))


def ours(
    settings: argparse.Namespace, family: str, saving: bool = False, late: bool = False
) -> Callable[[], int]:
    """Makes the pipeline's own loop ready, step by step, on a fresh model.

    Args:
        settings: The command line's.
        family: ``hypnos`` or ``dreambooth``.
        saving: Whether the state is saved at the end of every turn.
        late: Whether it begins with the first step in which L_p acts no more, instead of the very first.
    """
    from hypnos_pipeline.storage.settings import CheckpointSettings

    given, method = {}, _methods()[family]
    folder = TemporaryDirectory()
    if saving:
        every = 1 if settings.smallest else STEPS_A_TURN
        given["checkpoints"] = CheckpointSettings(folder=folder.name, every_seconds=None, every_steps=every)
    runtime, (pool, latents) = (
        miniature.runtime(settings.threads),
        miniature.pool_and_latents(settings.smallest),
    )
    run = finetuning(miniature.study(), method, miniature.text_to_image(), pool, latents, runtime, **given)

    def step(number: int, _held: TemporaryDirectory = folder) -> None:
        run.step(number)
        if run.checkpoints and run.checkpoints.due(number):
            run.checkpoints.save(number, *run.state())

    return _turns(settings, step, method.perceptual_steps() + 1 if late else 1)


CONTESTANTS: dict[str, Build] = {
    "bare": bare,
    "bare_distinct": partial(bare, distinct=True),
    "dreambooth": partial(ours, family="dreambooth"),
    "saving": partial(ours, family="dreambooth", saving=True),
    "hypnos_early": partial(ours, family="hypnos"),
    "hypnos_late": partial(ours, family="hypnos", late=True),
}


def _turns(settings: argparse.Namespace, step: Callable[[int], object], first: int = 1) -> Callable[[], int]:
    steps, numbers = 1 if settings.smallest else STEPS_A_TURN, count(first)

    def turn() -> int:
        for _ in range(steps):
            step(next(numbers))
        return steps

    return turn


def _methods() -> dict[str, Any]:
    """Returns the study's HYPNOS and its first DreamBooth, both in the loop's general form."""
    methods = miniature.study().methods
    first = next(iter(methods.dreambooth.values()))
    return {"hypnos": methods.hypnos["hypnos"], "dreambooth": first.general_form()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    method = _methods()["hypnos"]
    setting = {"batch": f"{method.instance_batch} + {method.class_batch}", "steps a turn": STEPS_A_TURN}
    run_contest("Training steps", 12, CONTESTANTS, PAIRS, setting, arguments)


if __name__ == "__main__":
    main()
