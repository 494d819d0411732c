"""The nodes of finetuning, one per family of methods (method.md §5, §7).

Kedro resolves all annotations of a node to validate its parameters, so none here names a heavy library.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.training.settings import (
    DiscriminatorSettings,
    DreamBoothSettings,
    HypnosSettings,
    TextualInversionSettings,
)

if TYPE_CHECKING:
    import pandas as pd

    from hypnos_pipeline.models.finetuned import FullFinetune
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.loop import Finetuning

# Outside every stage's outputs, which DVC deletes before the stage runs.
CHECKPOINTS = Path("data/checkpoints")


def hypnos(
    latents,
    pool: ImageSet,
    discriminator_weights,
    subject: SubjectSettings,
    method: HypnosSettings,
    discriminator: DiscriminatorSettings,
    text_to_image: ModelReference,
    perceptual: ModelReference,
    seed: int,
    runtime: RuntimeSettings,
):
    """Finetunes UNet and text encoder with every term of Eq. 1."""
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.loop import Adversary
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    model = _base_model(text_to_image, runtime)
    perceptual_loss = adversary = None
    if method.weights.perceptual:
        perceptual_loss = PerceptualLoss(
            load_timm(locate(perceptual), str(model.device)),
            pool.stack([row["name"] for row in latents.rows["pool"]]),
            method.perceptual,
            model.vae,
            lambda: autocast(runtime, model.device),
        )
    if method.weights.discriminator:
        network = LatentDiscriminator(discriminator, latents.shape, seed)
        network.load_state_dict(discriminator_weights)
        adversary = Adversary(network.to(model.device), discriminator)
    networks = {"perceptual": perceptual_loss, "adversary": adversary}
    return _run(model, latents, subject, method, seed, runtime, **networks)


def dreambooth(
    latents,
    subject: SubjectSettings,
    method: DreamBoothSettings,
    text_to_image: ModelReference,
    seed: int,
    runtime: RuntimeSettings,
):
    """Finetunes UNet and text encoder with MSE and prior preservation on the untouched photos."""
    return _run(_base_model(text_to_image, runtime), latents, subject, method.general_form(), seed, runtime)


def textual_inversion(
    latents,
    subject: SubjectSettings,
    method: TextualInversionSettings,
    text_to_image: ModelReference,
    seed: int,
    runtime: RuntimeSettings,
):
    """Learns one new token from the untouched photos."""
    import pandas as pd

    from hypnos_pipeline.models.machine import describe_machine
    from hypnos_pipeline.training import textual_inversion as inversion

    model = _base_model(text_to_image, runtime)
    learned, curve, report = inversion.textual_inversion(
        model, latents, method, noun=subject.noun, seed=seed, runtime=runtime
    )
    return learned, pd.DataFrame(curve), {**report, "machine": describe_machine(runtime)}


def _base_model(text_to_image: ModelReference, runtime: RuntimeSettings) -> TextToImage:
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    return load_text_to_image(locate(text_to_image), configure(runtime))


def _run(
    model: TextToImage,
    latents: LatentCache,
    subject: SubjectSettings,
    settings: HypnosSettings,
    seed: int,
    runtime: RuntimeSettings,
    **networks: Any,
) -> tuple[FullFinetune, pd.DataFrame, dict[str, Any]]:
    import pandas as pd

    from hypnos_pipeline.models.finetuned import FullFinetune
    from hypnos_pipeline.models.machine import describe_machine
    from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt
    from hypnos_pipeline.training.loop import Finetuning

    prompt = plain_prompt(instance_phrase(subject))
    run: Finetuning = Finetuning(
        model,
        latents,
        settings,
        plain_prompt=prompt,
        seed=seed,
        runtime=runtime,
        checkpoints=CHECKPOINTS,
        **networks,
    )
    run.run()
    report = {**run.report(), "machine": describe_machine(runtime)}
    return FullFinetune(model.to("cpu")), pd.DataFrame(run.curve), report
