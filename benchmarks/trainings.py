"""A training step of ours, and the bare arithmetic of it, for any study and device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from benchmarks.program import ROOT
from benchmarks.subject import SUBJECT
from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.models.settings import RuntimeSettings
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.study.model import Study
    from hypnos_pipeline.training.finetuning import Finetuning
    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.settings import HypnosSettings


def finetuning(
    whole: Study,
    method: HypnosSettings,
    model: TextToImage,
    pool: ImageSet,
    latents: LatentCache,
    runtime: RuntimeSettings,
    **given: Any,
) -> Finetuning:
    """Makes a run of the pipelines' loop ready, with the networks that its terms read.

    Args:
        whole: The study, whose perceptual network and discriminator are taken.
        method: In the loop's general form.
        model: On the device to compute on, its VAE in the form that training keeps.
        pool: The subject's.
        latents: The subject's.
        runtime: Precision.
        **given: More arguments of ``Finetuning``.
    """
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.training.finetuning import Adversary, Finetuning
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    if method.weights.perceptual:
        network = load_timm(ROOT / whole.models.perceptual.folder, str(model.device))
        given["perceptual"] = PerceptualLoss(
            network, pool.stack(), method.perceptual, model.vae, lambda: autocast(runtime, model.device)
        )
    if method.weights.discriminator:
        discriminator = LatentDiscriminator(whole.discriminator, latents.shape, whole.seed)
        given["adversary"] = Adversary(discriminator.to(model.device), whole.discriminator)
    prompt = plain_prompt(instance_phrase(whole.subjects[SUBJECT]))
    return Finetuning(model, latents, method, plain_prompt=prompt, seed=whole.seed, runtime=runtime, **given)


def bare_step(
    model: TextToImage,
    optimiser: torch.optim.Optimizer,
    batches: tuple[int, int],
    prompts: Sequence[str],
    shape: Sequence[int],
    *,
    distinct: bool = False,
    scaler: torch.amp.GradScaler | None = None,
    context: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Callable[[int], None]:
    """Makes what no trainer can leave out ready: DreamBooth's passes and update, on tensors that lie ready.

    Nothing is drawn, clipped, checked or logged.

    Args:
        model: UNet and text encoder are trained.
        optimiser: Of their parameters.
        batches: Of the instance and of the class.
        prompts: Of the instance and of the class.
        shape: Of one latent.
        distinct: Whether each different prompt is encoded once, as ours does, or one for each sample.
        scaler: Of the loss, in fp16.
        context: Makes the context of forward passes.
    """
    import torch

    half, size = batches[0], sum(batches)
    draw = torch.Generator().manual_seed(0)
    noisy, noise = (torch.randn(size, *shape, generator=draw).to(model.device) for _ in range(2))
    timesteps = torch.randint(len(model.scheduler.betas), (size,), generator=draw).to(model.device)
    ids = model.encode_prompts(list(prompts))
    rows = torch.tensor([0] * half + [1] * batches[1], device=model.device)
    scaler = scaler or torch.amp.GradScaler(model.device.type, enabled=False)

    def step(_number: int) -> None:
        with context():
            states = model.text_encoder(ids)[0][rows] if distinct else model.text_encoder(ids[rows])[0]
            prediction = model.unet(noisy, timesteps, encoder_hidden_states=states).sample
        error = prediction.float() - noise
        loss = error[:half].square().mean() + error[half:].square().mean()
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        optimiser.zero_grad(set_to_none=True)

    return step
