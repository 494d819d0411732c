"""Attention of the discriminator's [CLS] token over the photos (paper Fig. 3b)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
    from hypnos_pipeline.training.latents import LatentCache


def photo_attention(discriminator: LatentDiscriminator, latents: LatentCache) -> dict[str, np.ndarray]:
    """Returns photo → [CLS]'s attention per head, float heads×8×8, at the posteriors' means."""
    import torch

    originals = latents.kinds("pool")["original"]
    rows = [rows[0] for rows in originals.values()]
    noise = torch.zeros(len(rows), *latents.shape)
    attention = discriminator.class_attention(latents.sample("pool", rows, noise))
    return dict(zip(originals, attention.numpy(), strict=True))


def overlay(photo: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Darkens a photo where little attention falls.

    Args:
        photo: uint8 H×W×3.
        attention: Non-negative, 8×8; scaled to its own largest value.

    Returns:
        uint8 H×W×3.
    """
    height, width = photo.shape[:2]
    scaled = Image.fromarray((attention / attention.max()).astype(np.float32), mode="F")
    smooth = np.asarray(scaled.resize((width, height), Image.Resampling.BICUBIC)).clip(0.0, 1.0)
    return np.round(photo * (0.15 + 0.85 * smooth[..., None])).astype(np.uint8)
