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

STEPS_A_TURN = 4
PAIRS = (
    Pair("DreamBooth step : bare step, a prompt per sample", "dreambooth", "bare", goal=1.10),
    Pair("DreamBooth step : bare step, distinct prompts", "dreambooth", "bare_distinct", goal=1.10),
    Pair("HYPNOS step while L_p acts : DreamBooth step", "hypnos_early", "dreambooth"),
    Pair("HYPNOS step after that : DreamBooth step", "hypnos_late", "dreambooth"),
    Pair(f"DreamBooth, its state saved every {STEPS_A_TURN} steps : not saved", "saving", "dreambooth"),
)


def bare(settings: argparse.Namespace, distinct: bool = False) -> Callable[[], int]:
    """Makes the bare step ready: DreamBooth's mathematics, nothing drawn, clipped, checked or logged."""
    import torch

    miniature.runtime(settings.threads)
    method = _methods()["dreambooth"]
    model = miniature.text_to_image()
    networks = [model.unet.requires_grad_(True), model.text_encoder.requires_grad_(True)]
    parameters = [parameter for network in networks for parameter in network.parameters()]
    rate, decay = method.learning_rate, method.optimiser.weight_decay
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    half = method.instance_batch
    size = half + method.class_batch
    draw = torch.Generator().manual_seed(0)
    _, latents = miniature.subject(settings.smallest)
    noisy, noise = (torch.randn(size, *latents.shape, generator=draw) for _ in range(2))
    timesteps = torch.randint(len(model.scheduler.betas), (size,), generator=draw)
    ids = model.encode_prompts(["a photo of sks robot", "a photo of robot"])
    rows = torch.tensor([0] * half + [1] * method.class_batch)

    def step(_number: int) -> None:
        states = model.text_encoder(ids)[0][rows] if distinct else model.text_encoder(ids[rows])[0]
        error = model.unet(noisy, timesteps, encoder_hidden_states=states).sample - noise
        loss = error[:half].square().mean() + error[half:].square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return _turns(settings, step)


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
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt
    from hypnos_pipeline.storage.settings import CheckpointSettings
    from hypnos_pipeline.training.finetuning import Adversary, Finetuning
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    whole, method, model = miniature.study(), _methods()[family], miniature.text_to_image()
    pool, latents = miniature.subject(settings.smallest)
    given: dict[str, Any] = {"seed": whole.seed, "runtime": miniature.runtime(settings.threads)}
    if method.weights.perceptual:
        network = load_timm(miniature.folder(whole.models.perceptual))
        given["perceptual"] = PerceptualLoss(network, pool.stack(), method.perceptual, model.vae)
    if method.weights.discriminator:
        discriminator = LatentDiscriminator(whole.discriminator, latents.shape, whole.seed)
        given["adversary"] = Adversary(discriminator, whole.discriminator)
    folder = TemporaryDirectory()
    if saving:
        every = 1 if settings.smallest else STEPS_A_TURN
        given["checkpoints"] = CheckpointSettings(folder=folder.name, every_seconds=None, every_steps=every)
    prompt = plain_prompt(instance_phrase(whole.subjects[miniature.SUBJECT]))
    run = Finetuning(model, latents, method, plain_prompt=prompt, **given)

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
