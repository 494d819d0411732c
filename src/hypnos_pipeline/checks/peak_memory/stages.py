"""The peak memory of each stage at the paper's sizes, counted on the pipeline's own code (see ``tensors``).

Every function returns the moments of a stage, each with the bytes that were alive when most were, by kind:
``weights``, ``gradients``, ``optimiser`` (its states) and ``activations and copies`` (half-precision copies
of weights among them). The networks are Stable Diffusion 1.5's and the others of ``conf/paper``.
"""

# pyright: standard

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from hypnos_pipeline.checks.peak_memory import networks
from hypnos_pipeline.checks.peak_memory.tensors import TensorMemory, counted
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.runtime import autocast
from hypnos_pipeline.models.settings import RuntimeSettings, SamplerSettings
from hypnos_pipeline.training.finetuning import Adversary, Finetuning
from hypnos_pipeline.training.settings import (
    DiscriminatorSettings,
    DreamBoothSettings,
    HypnosSettings,
    Previews,
    TextualInversionSettings,
)
from hypnos_pipeline.training.textual_inversion import TokenTraining

if TYPE_CHECKING:
    from hypnos_pipeline.metrics.settings import EvaluationSettings
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.optimisation import Trainee

Moments = dict[str, dict[str, int]]
"""Moment to kind to bytes."""
Method = HypnosSettings | DreamBoothSettings | TextualInversionSettings
SEED = 42
WEIGHTS, GRADIENTS, OPTIMISER = "weights", "gradients", "optimiser"
AFTER_LP = 2
"""A step in which L_p no longer acts, in the trainings that are made here."""
SAMPLER_STEPS = 3
"""Enough for every sampler to reach its steady state; more take no more memory."""


def count_training(
    method: Method,
    runtime: RuntimeSettings,
    image_size: int = 512,
    discriminator: DiscriminatorSettings | None = None,
) -> Moments:
    """Counts a training: a step with the gradient log, a preview, and a step without L_p.

    Args:
        method: As in the study; the number of steps is of no account.
        runtime: Precision and the frozen VAE.
        image_size: Edge of the images, pixels.
        discriminator: HYPNOS's; None for the paper's.
    """
    latents, moments = networks.latents(image_size), Moments()
    with counted() as memory:
        if isinstance(method, TextualInversionSettings):
            training, model = _inversion(method, runtime, latents)
        else:
            training, model = _finetuning(method, runtime, latents, discriminator)
        memory.label(_weights(model, training), WEIGHTS)
        _prepare(training, memory)
        with training.inserted() if isinstance(training, TokenTraining) else nullcontext():
            with _moment(memory, moments, "step"):
                training.step(1)
            if method.previews.every:
                with _moment(memory, moments, "preview"):
                    _preview(model, method.previews, runtime, image_size)
            if isinstance(training, Finetuning) and training.perceptual:
                with _moment(memory, moments, "step without L_p"):
                    training.step(AFTER_LP)
    return moments


def _finetuning(
    method: HypnosSettings | DreamBoothSettings,
    runtime: RuntimeSettings,
    latents: LatentCache,
    discriminator: DiscriminatorSettings | None,
) -> tuple[Finetuning, TextToImage]:
    """Makes a run as ``pipelines/finetune/nodes.py`` does; L_p acts in its first step alone."""
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    others: dict[str, Any] = {}
    general = method.general_form() if isinstance(method, DreamBoothSettings) else method
    acting = min(general.perceptual_steps(), 1) if general.weights.perceptual else 0
    perceptual = general.perceptual.model_copy(update={"steps": acting})
    changes = {"steps": AFTER_LP, "perceptual": perceptual}
    changes["gradient_log_every"] = min(general.gradient_log_every, 1)
    general = general.model_copy(update=changes)
    model = networks.stable_diffusion(runtime if isinstance(method, HypnosSettings) else None)
    if general.weights.discriminator:
        settings = discriminator or DiscriminatorSettings()
        others["adversary"] = Adversary(LatentDiscriminator(settings, latents.shape, SEED), settings)
    if acting:
        pool = networks.pixels(len(latents.rows["pool"]), 8 * latents.shape[-1])
        others["perceptual"] = PerceptualLoss(
            networks.efficientnet(), pool, perceptual, model.vae, lambda: autocast(runtime, networks.CPU)
        )
    common: dict[str, Any] = {"plain_prompt": networks.PROMPT, "seed": SEED, "runtime": runtime}
    return Finetuning(model, latents, general, **common, **others), model


def _inversion(
    method: TextualInversionSettings, runtime: RuntimeSettings, latents: LatentCache
) -> tuple[TokenTraining, TextToImage]:
    model = networks.stable_diffusion()
    return TokenTraining(model, latents, method, "robot", SEED, runtime), model


def _preview(model: TextToImage, settings: Previews, runtime: RuntimeSettings, image_size: int) -> None:
    from hypnos_pipeline.training.previews import PreviewStrip

    once = settings.model_copy(update={"every": 1, "steps": SAMPLER_STEPS})
    strip = PreviewStrip(once, "sks robot", seed=SEED, runtime=runtime, image_size=image_size)
    strip.watch(model)
    strip.after(1)


def count_sampling(sampling: SamplerSettings, runtime: RuntimeSettings, image_size: int = 512) -> Moments:
    """Counts one batch of samples, or of the class prior, which is sampled alike."""
    moments, sampler = Moments(), sampling.model_copy(update={"steps": SAMPLER_STEPS})
    prompts = [networks.PROMPT] * sampling.batch
    with counted() as memory, _moment(memory, moments, "sampling"):
        model = networks.stable_diffusion()
        memory.label(_weights(model), WEIGHTS)
        with autocast(runtime, networks.CPU):
            generate(model, prompts, [0] * len(prompts), sampler, image_size, progress=None)
    return moments


def count_encoding(image_size: int = 512, batch: int = 8) -> Moments:
    """Counts a batch of the latent cache's encoding, in float32 always; only the VAE is on the device."""
    from hypnos_pipeline.training.latents import encode_posteriors

    moments = Moments()
    with counted() as memory:
        vae = networks.autoencoder()
        memory.label_all(WEIGHTS)
        with _moment(memory, moments, "encoding"):
            encode_posteriors(vae, networks.pixels(batch, image_size), batch)
    return moments


def count_pretraining(settings: DiscriminatorSettings, image_size: int = 512) -> Moments:
    """Counts the discriminator's pretraining."""
    from hypnos_pipeline.training.discriminator_training import Pretraining, accuracy_by_kind

    latents, moments = networks.latents(image_size), Moments()
    with counted() as memory, _moment(memory, moments, "pretraining"):
        training = Pretraining(latents, settings, SEED, networks.CPU)
        memory.label(training.discriminator.parameters(), WEIGHTS)
        _prepare(training, memory)
        training.step(1)
        accuracy_by_kind(training.discriminator, training.table)
    return moments


def count_evaluation(evaluation: EvaluationSettings, image_size: int = 512) -> Moments:
    """Counts the evaluation of one batch of samples with every network of the paper loaded."""
    from hypnos_pipeline.metrics.evaluate import evaluate_samples

    moments = Moments()
    row = {"prompt_set": "invariant", "prompt": networks.PROMPT, "noun_prompt": networks.PROMPT}
    samples, photos = (
        ImageSet(
            dict(zip(names, networks.pixels(len(names), image_size), strict=True)),
            [row | {"name": name} for name in names],
        )
        for names in ([f"{index:03d}" for index in range(evaluation.batch)], networks.PHOTOS)
    )
    with counted() as memory:
        model, loaded = networks.stable_diffusion(), networks.metric_networks()
        memory.label_all(WEIGHTS)
        with _moment(memory, moments, "evaluation"):
            evaluate_samples(
                samples, photos, loaded, metrics=evaluation.metrics, batch=evaluation.batch,
                subject="s", method="m", model=model,
            )  # fmt: skip
    return moments


@contextmanager
def _moment(memory: TensorMemory, moments: Moments, name: str) -> Generator[None]:
    """Notes the peak of what runs in this context."""
    memory.reset()
    yield
    moments[name] = dict(memory.peak)


def _weights(model: TextToImage, training: Any = None) -> list[torch.Tensor]:
    held = [model.unet, model.text_encoder, model.vae]
    if perceptual := getattr(training, "perceptual", None):
        held.append(perceptual.network)
    if discriminator := getattr(training, "discriminator", None):
        held.append(discriminator)
    return [tensor for network in held for tensor in [*network.parameters(), *network.buffers()]]


def _prepare(training: Trainee, memory: TensorMemory) -> None:
    """Fills the optimisers' states, as the first step does, and labels them and all gradients to come."""
    for updater in training.updaters.values():
        trained = [each for each in updater.parameters if each.requires_grad]
        for parameter in updater.parameters:
            parameter.grad = torch.zeros_like(parameter)
        updater.optimiser.step()
        updater.release()
        memory.label(updater.state()[0].values(), OPTIMISER)
        for parameter in trained:
            parameter.register_post_accumulate_grad_hook(lambda each: memory.label([each.grad], GRADIENTS))
