"""How well a finished study of the embedded default learned its subjects, by renders that no stage reads.

The subjects' photos come from the miniature world, so further renders of the same instances are at hand.
Nothing here enters the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hypnos_pipeline.imaging.image_set import ImageSet

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.networks import ImageEncoder

REAL_THRESHOLD = 0.5
"""Scores of the discriminator above it count as real."""


def similarity(encoder: ImageEncoder, first: np.ndarray, second: np.ndarray) -> torch.Tensor:
    """Returns cosine similarities N×M of two stacks of uint8 images N×H×W×3 and M×H×W×3."""
    from hypnos_pipeline.metrics.dino import dino
    from hypnos_pipeline.metrics.images import to_unit_range

    return dino(to_unit_range(first), to_unit_range(second), encoder)


def learning_bar(encoder: ImageEncoder, prior: np.ndarray, photos: np.ndarray) -> dict[str, float]:
    """Returns the similarity by DINO (miniature) to the photos that a method must reach on invariant prompts.

    The class prior's images are N×H×W×3 uint8, the photos' working squares M×H×W×3 uint8.

    Returns:
        ``prior`` (mean similarity of prior and photos), ``leave_one_out`` (of different photos to each other)
        and ``bar``, halfway between them.
    """
    own = similarity(encoder, photos, photos)
    count = len(photos)
    leave_one_out = float((own.sum() - own.diagonal().sum()) / (count * (count - 1)))
    floor = float(similarity(encoder, prior, photos).mean())
    return {"prior": floor, "leave_one_out": leave_one_out, "bar": (floor + leave_one_out) / 2}


def measure_methods(
    encoder: ImageEncoder, prior: ImageSet, photos: ImageSet, unseen: ImageSet, samples: dict[str, ImageSet]
) -> dict[str, Any]:
    """Measures every method's samples of one subject, by DINO (miniature), on the invariant prompts.

    The photos are working squares; ``unseen`` are renders of the same instance that no stage reads.

    Returns:
        The bar of :func:`learning_bar`, and per method its mean similarity to the photos and to the unseen
        renders, and whether it reaches the bar.
    """
    bar = learning_bar(encoder, prior.stack(), photos.stack())
    methods = {}
    for method, images in samples.items():
        invariant = images.stack([row["name"] for row in images.rows(prompt_set="invariant")])
        to_photos = float(similarity(encoder, invariant, photos.stack()).mean())
        to_unseen = float(similarity(encoder, invariant, unseen.stack()).mean())
        methods[method] = {"photos": to_photos, "unseen": to_unseen, "reaches": to_photos >= bar["bar"]}
    return {**bar, "methods": methods}


def measure_discriminator(
    weights: dict[str, torch.Tensor],
    settings: Any,
    latents: Any,
    vae: torch.nn.Module,
    unseen: ImageSet,
    seed: int,
) -> dict[str, float]:
    """Measures a pretrained latent discriminator on unseen renders and Table 3's fakes.

    Args:
        weights: Its state dict.
        settings: ``DiscriminatorSettings`` it was built with.
        latents: The subject's ``LatentCache``.
        vae: The base model's.
        unseen: Renders of the same instance that no stage reads.
        seed: The study's.

    Returns:
        Accuracy on the ``unseen`` renders and on each kind of fake, the class prior being the kind
        ``class_prior``; and ``balanced``, the mean of the accuracies on the renders and on all fakes.
    """
    import torch

    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.latents import encode_posteriors

    discriminator = LatentDiscriminator.pretrained(settings, latents.shape, seed, weights).eval()
    with torch.no_grad():
        mean, _ = encode_posteriors(vae, unseen.stack())
        on_real = float((discriminator(latents.scaling_factor * mean) > REAL_THRESHOLD).float().mean())
        fakes = {"class_prior": discriminator(latents.scaling_factor * latents.means["class_prior"])}
        for kind, photos in latents.kinds("fakes").items():
            indexes = [index for own in photos.values() for index in own]
            fakes[kind] = discriminator(latents.scaling_factor * latents.means["fakes"][indexes])
    found = {kind: scores <= REAL_THRESHOLD for kind, scores in fakes.items()}
    kinds = {kind: float(right.float().mean()) for kind, right in found.items()}
    on_fakes = float(torch.cat(list(found.values())).float().mean())
    return {"unseen": on_real, **kinds, "balanced": (on_real + on_fakes) / 2}
