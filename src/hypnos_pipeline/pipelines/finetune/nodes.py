"""The nodes of finetuning, one per family of methods (method.md §5, §7).

Kedro resolves all annotations of a node to validate its parameters, so none here names a heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.randomness import training_seed
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.settings import (
    DiscriminatorSettings,
    DreamBoothSettings,
    HypnosSettings,
    Previews,
    TextualInversionSettings,
)

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

    from hypnos_pipeline.models.finetuned import FullFinetune
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.finetuning import Finetuning
    from hypnos_pipeline.training.latents import LatentCache
    from hypnos_pipeline.training.previews import PreviewStrip


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
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
):
    """Finetunes UNet and text encoder with every term of Eq. 1."""
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.training.finetuning import Adversary
    from hypnos_pipeline.training.frozen_vae import frozen_vae
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.perceptual import PerceptualLoss

    model, seed = _base_model(text_to_image, runtime), training_seed(seed, training)
    adversary = None
    if method.weights.discriminator:
        network = LatentDiscriminator.pretrained(discriminator, latents.shape, seed, discriminator_weights)
        adversary = Adversary(network.to(model.device), discriminator)
    with frozen_vae(model, runtime):
        perceptual_loss = None
        if method.weights.perceptual:
            perceptual_loss = PerceptualLoss(
                load_timm(locate(perceptual), str(model.device)),
                pool.stack([row["name"] for row in latents.rows["pool"]]),
                method.perceptual,
                model.vae,
                lambda: autocast(runtime, model.device),
            )
        sources = {"text_to_image": text_to_image}
        sources |= {"perceptual": perceptual} if perceptual_loss else {}
        networks = {"perceptual": perceptual_loss, "adversary": adversary}
        return _run(model, latents, subject, method, seed, runtime, checkpoints, sources, **networks)


def dreambooth(
    latents,
    subject: SubjectSettings,
    method: DreamBoothSettings,
    text_to_image: ModelReference,
    seed: int,
    runtime: RuntimeSettings,
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
):
    """Finetunes UNet and text encoder with MSE and prior preservation on the untouched photos."""
    model, seed = _base_model(text_to_image, runtime), training_seed(seed, training)
    sources = {"text_to_image": text_to_image}
    return _run(model, latents, subject, method.general_form(), seed, runtime, checkpoints, sources)


def textual_inversion(
    latents,
    subject: SubjectSettings,
    method: TextualInversionSettings,
    text_to_image: ModelReference,
    seed: int,
    runtime: RuntimeSettings,
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
):
    """Learns one new token from the untouched photos."""
    import pandas as pd

    from hypnos_pipeline.models.machine import describe_origin
    from hypnos_pipeline.training import textual_inversion as inversion

    model, seed = _base_model(text_to_image, runtime), training_seed(seed, training)
    phrase = method.learned_phrase(subject.noun)
    previews = _preview_strip(model, latents, method.previews, phrase, seed, runtime)
    learned, curve, report = inversion.textual_inversion(
        model,
        latents,
        method,
        noun=subject.noun,
        seed=seed,
        runtime=runtime,
        previews=previews,
        checkpoints=checkpoints,
    )
    report = report | previews.report() | describe_origin({"text_to_image": text_to_image}, runtime)
    return learned, pd.DataFrame(curve), report, previews.picture()


def _base_model(text_to_image: ModelReference, runtime: RuntimeSettings) -> TextToImage:
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    return load_text_to_image(locate(text_to_image), configure(runtime))


def _preview_strip(
    model: TextToImage,
    latents: LatentCache,
    settings: Previews,
    phrase: str,
    seed: int,
    runtime: RuntimeSettings,
) -> PreviewStrip:
    from hypnos_pipeline.training.previews import PreviewStrip

    # The working size, as diffusers counts it: one halving between two levels of the VAE.
    image_size = latents.shape[-1] * 2 ** (len(model.vae.config["block_out_channels"]) - 1)
    return PreviewStrip(settings, phrase, seed=seed, runtime=runtime, image_size=image_size)


def _run(
    model: TextToImage,
    latents: LatentCache,
    subject: SubjectSettings,
    settings: HypnosSettings,
    seed: int,
    runtime: RuntimeSettings,
    checkpoints: CheckpointSettings,
    sources: dict[str, ModelReference],
    **networks: Any,
) -> tuple[FullFinetune, pd.DataFrame, dict[str, Any], Image.Image]:
    import pandas as pd

    from hypnos_pipeline.models.finetuned import FullFinetune
    from hypnos_pipeline.models.machine import describe_origin
    from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt
    from hypnos_pipeline.training.finetuning import Finetuning

    phrase = instance_phrase(subject)
    previews = _preview_strip(model, latents, settings.previews, phrase, seed, runtime)
    run: Finetuning = Finetuning(
        model,
        latents,
        settings,
        plain_prompt=plain_prompt(phrase),
        seed=seed,
        runtime=runtime,
        previews=previews,
        checkpoints=checkpoints,
        **networks,
    )
    run.run()
    report = run.report() | previews.report() | describe_origin(sources, runtime)
    return FullFinetune(model.to("cpu")), pd.DataFrame(run.curve), report, previews.picture()
