"""The nodes of the latent cache and of the discriminator's pretraining (method.md §5, §6).

Kedro resolves all annotations of a node to validate its parameters, so none here names a heavy library.
"""

from __future__ import annotations

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings
from hypnos_pipeline.randomness import training_seed
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.settings import DiscriminatorSettings


def encode_latents(
    pool: ImageSet,
    fakes: ImageSet,
    class_prior: ImageSet,
    text_to_image: ModelReference,
    runtime: RuntimeSettings,
):
    """Encodes every image that training draws from, once per subject, to VAE posteriors, in float32."""
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image
    from hypnos_pipeline.training.latents import LatentCache

    device = configure(runtime)
    vae = load_text_to_image(locate(text_to_image)).vae.to(device)  # pyright: ignore[reportArgumentType]
    return LatentCache.encode(vae, {"pool": pool, "fakes": fakes, "class_prior": class_prior})


def pretrain_discriminator(
    latents,
    discriminator: DiscriminatorSettings,
    seed: int,
    text_to_image: ModelReference,
    runtime: RuntimeSettings,
    checkpoints: CheckpointSettings = OFF,
    *,
    training: int = 1,
):
    """Returns one training's pretrained weights, the learning curve, and the report.

    The report holds the accuracy per kind of Table 3, the network that encoded the latents, and the machine.
    """
    import pandas as pd

    from hypnos_pipeline.models.machine import describe_origin
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.training.discriminator_training import pretrain

    seed = training_seed(seed, training)
    network, curve, report = pretrain(latents, discriminator, seed, configure(runtime), checkpoints)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return weights, pd.DataFrame(curve), report | describe_origin({"text_to_image": text_to_image}, runtime)


def discriminator_attention(
    working_photos: ImageSet,
    latents,
    discriminator_weights,
    discriminator: DiscriminatorSettings,
    seed: int,
    runtime: RuntimeSettings,
    *,
    training: int = 1,
) -> Image.Image:
    """Draws where [CLS] looks in the last block, per photo and head, over the photo (Fig. 3b)."""
    from hypnos_pipeline.imaging.sheets import contact_sheet
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.training.attention_maps import overlay, photo_attention
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator

    configure(runtime)
    seed = training_seed(seed, training)
    network = LatentDiscriminator.pretrained(discriminator, latents.shape, seed, discriminator_weights)
    attention = photo_attention(network, latents)
    rows = [
        [working_photos.images[photo], *(overlay(working_photos.images[photo], head) for head in heads)]
        for photo, heads in attention.items()
    ]
    columns = ["photo", *(f"head {head + 1}" for head in range(discriminator.heads))]
    return contact_sheet(rows, list(attention), columns, title="Attention of [CLS], last block")
