"""A training step of ours against the bare arithmetic of it, and HYPNOS against DreamBooth.

The bare step is what no trainer can leave out: UNet and text encoder forward, backward and the optimiser, on
tensors that lie ready. ``bare`` encodes a prompt per sample, as trainers do; ``bare_distinct`` encodes each
different prompt once, as ours does, and so is the harder one to keep up with.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import count
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import miniature
from benchmarks.program import Build, Pair, options, run_contest

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.storage.settings import CheckpointSettings
    from hypnos_pipeline.training.finetuning import Finetuning

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


def bare_distinct(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes the bare step ready that encodes each different prompt once."""
    return bare(settings, distinct=True)


def dreambooth(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes our DreamBooth ready: the pipeline's own loop, step by step."""
    return _turns(settings, _finetuning(settings, _methods()["dreambooth"]).step)


def saving(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes our DreamBooth ready, its state saved at the end of every turn."""
    from hypnos_pipeline.storage.settings import CheckpointSettings

    every = 1 if settings.smallest else STEPS_A_TURN
    folder = TemporaryDirectory()
    states = CheckpointSettings(folder=folder.name, every_seconds=None, every_steps=every)
    run = _finetuning(settings, _methods()["dreambooth"], states)

    def step(number: int, _held: TemporaryDirectory = folder) -> None:
        run.step(number)
        if run.checkpoints and run.checkpoints.due(number):
            run.checkpoints.save(number, *run.state())

    return _turns(settings, step)


def hypnos_early(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes HYPNOS ready from its first step on, where L_p acts."""
    return _turns(settings, _finetuning(settings, _methods()["hypnos"]).step)


def hypnos_late(settings: argparse.Namespace) -> Callable[[], int]:
    """Makes HYPNOS ready from the first step on in which L_p acts no more."""
    method = _methods()["hypnos"]
    return _turns(settings, _finetuning(settings, method).step, method.perceptual_steps() + 1)


CONTESTANTS: dict[str, Build] = {
    each.__name__: each for each in (bare, bare_distinct, dreambooth, saving, hypnos_early, hypnos_late)
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


def _finetuning(
    settings: argparse.Namespace, method: Any, checkpoints: CheckpointSettings | None = None
) -> Finetuning:
    """Returns a run of the pipeline's loop on a fresh model, with the networks that the method needs."""
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt
    from hypnos_pipeline.training.finetuning import Adversary, Finetuning
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    whole, runtime = miniature.study(), miniature.runtime(settings.threads)
    model = miniature.text_to_image()
    pool, latents = miniature.subject(settings.smallest)
    networks: dict[str, Any] = {}
    if method.weights.perceptual:
        network: torch.nn.Module = load_timm(miniature.folder(whole.models.perceptual))
        networks["perceptual"] = PerceptualLoss(network, pool.stack(), method.perceptual, model.vae)
    if method.weights.discriminator:
        discriminator = LatentDiscriminator(whole.discriminator, latents.shape, whole.seed)
        networks["adversary"] = Adversary(discriminator, whole.discriminator)
    prompt = plain_prompt(instance_phrase(whole.subjects[miniature.SUBJECT]))
    if checkpoints:
        networks["checkpoints"] = checkpoints
    return Finetuning(
        model, latents, method, plain_prompt=prompt, seed=whole.seed, runtime=runtime, **networks
    )


def _setting(settings: argparse.Namespace) -> dict[str, Any]:
    method = _methods()["hypnos"]
    return {"batch": f"{method.instance_batch} + {method.class_batch}", "steps a turn": STEPS_A_TURN}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the ratios."""
    run_contest(options("Training steps", rounds=12), CONTESTANTS, PAIRS, arguments, _setting)


if __name__ == "__main__":
    main()
