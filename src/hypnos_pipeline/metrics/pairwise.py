"""Every metric of pairs, by name, from features that are computed once per image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hypnos_pipeline.metrics.features import ImageFeatures
from hypnos_pipeline.metrics.lpips import tap_distances, unit_taps
from hypnos_pipeline.metrics.psnr import psnr
from hypnos_pipeline.metrics.similarity import cosine_matrix
from hypnos_pipeline.metrics.ssim import ssim

CLIP_I = {"clip_i": "clip", "clip_i_b32": "clip_b32"}
"""Metric to its network."""


def pairwise(name: str, generated: ImageFeatures, real: ImageFeatures, rows: Sequence[int]) -> Tensor:
    """Takes a metric of some generated images against each real one.

    Args:
        name: ``dino``, ``clip_i``, ``clip_i_b32``, ``lpips``, ``ssim`` or ``psnr``.
        generated: Features of the generated images.
        real: Features of the photos, or of what stands for them; few, since LPIPS holds all their maps.
        rows: Positions of the generated images to be compared.

    Returns:
        len(rows)×M matrix, on the CPU.
    """
    networks = generated.networks
    if name == "dino":
        return cosine_matrix(generated.dino[list(rows)], real.dino)
    if name in CLIP_I:
        return cosine_matrix(generated.clip(CLIP_I[name])[list(rows)], real.clip(CLIP_I[name]))
    if name == "lpips":
        heads = networks.lpips.heads

        def distances(images: Tensor) -> Tensor:
            return tap_distances(unit_taps(images, networks.lpips), real.lpips_taps, heads)

        return generated.map(distances, rows)
    function = {"ssim": ssim, "psnr": psnr}[name]
    return generated.map(lambda images: function(images.to(networks.device), real.pixels), rows)
