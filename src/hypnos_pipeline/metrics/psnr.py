"""Peak signal-to-noise ratio of every pair (paper 3.5.3)."""

from __future__ import annotations

import torch
from torch import Tensor

from hypnos_pipeline.metrics.images import check_same_size

QUANTISATION_NOISE = (1 / 255) ** 2 / 12
"""Mean squared error of rounding to 8 bits: a difference below it may be rounding alone."""


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image of ``a`` against each of ``b``.

    The mean squared error is taken per pair: pooled over a batch it would be another, lower number.
    Errors below 8-bit rounding noise count as that noise, so identical images get 58.92 dB; infinity
    would poison every mean. Pairs that differ more equal torchmetrics' value.

    Args:
        a: Float images in [0, 1], N×3×H×W.
        b: Float images in [0, 1], M×3×H×W.

    Returns:
        N×M float32 matrix in dB.
    """
    check_same_size(a, b)
    error = torch.stack([(a - photo).square().flatten(1).mean(1) for photo in b], dim=1)
    return -10 * error.clamp(min=QUANTISATION_NOISE).log10()
