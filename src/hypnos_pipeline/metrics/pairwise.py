"""Every metric of pairs, from features that are computed once per image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hypnos_pipeline.metrics.features import ImageFeatures
from hypnos_pipeline.metrics.lpips import tap_distances, unit_taps
from hypnos_pipeline.metrics.psnr import psnr
from hypnos_pipeline.metrics.registry import Metric
from hypnos_pipeline.metrics.similarity import cosine_matrix
from hypnos_pipeline.metrics.ssim import ssim


def pairwise(metric: Metric, generated: ImageFeatures, real: ImageFeatures, rows: Sequence[int]) -> Tensor:
    """Takes a metric of some generated images against each real one.

    Args:
        metric: Of pairs.
        generated: Features of the generated images.
        real: Features of the photos, or of the cut-outs; few, since LPIPS holds all their maps.
        rows: Positions of the generated images to be compared.

    Returns:
        len(rows)×M matrix, on the CPU.
    """
    networks = generated.networks
    if metric.formula in ("dino", "clip_i"):
        return cosine_matrix(
            generated.embeddings(metric.network)[list(rows)], real.embeddings(metric.network)
        )
    if metric.formula == "lpips":
        heads = networks.lpips.heads

        def distances(images: Tensor) -> Tensor:
            return tap_distances(unit_taps(images, networks.lpips), real.lpips_taps, heads)

        return generated.map(distances, rows)
    function = {"ssim": ssim, "psnr": psnr}[metric.formula]
    return generated.map(lambda images: function(images.to(networks.device), real.pixels), rows)
