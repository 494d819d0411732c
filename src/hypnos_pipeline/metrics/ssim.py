"""Structural similarity of every pair (paper 3.5.3; Wang et al. 2004)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from hypnos_pipeline.metrics.images import check_same_size

WINDOW = 11
SIGMA = 1.5
LUMINANCE_CONSTANT = 0.01**2
CONTRAST_CONSTANT = 0.03**2


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each image of ``a`` against each of ``b``.

    Gaussian window 11, σ 1.5, range 1, reflected borders, mean over positions and channels: torchmetrics'
    definition. Local means and variances are taken once per image; only the covariance needs the pair.
    Computed in float64: a variance is the difference of two squares, which in float32 costs up to 2e-4 of the
    value where a region is flat and bright.

    Args:
        a: Float images in [0, 1], N×3×H×W; H and W at least 6.
        b: Float images in [0, 1], M×3×H×W.

    Returns:
        N×M float32 matrix in [-1, 1].
    """
    check_same_size(a, b)
    if min(a.shape[2:]) <= WINDOW // 2:
        raise ValueError(f"images of {tuple(a.shape[2:])} are smaller than SSIM's window of {WINDOW}")
    a, b = a.double(), b.double()
    mean_a, variance_a = _moments(a)
    mean_b, variance_b = _moments(b)
    columns = []
    for photo, mean, variance in zip(b, mean_b, variance_b, strict=True):
        means = mean_a * mean
        covariance = _blur(a * photo) - means
        luminance = (2 * means + LUMINANCE_CONSTANT) / (mean_a.square() + mean.square() + LUMINANCE_CONSTANT)
        structure = (2 * covariance + CONTRAST_CONSTANT) / (variance_a + variance + CONTRAST_CONSTANT)
        columns.append((luminance * structure).flatten(1).mean(1))
    return torch.stack(columns, dim=1).float()


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Returns local means and variances, N×3×H×W each."""
    mean = _blur(images)
    # Rounding can make the variance of a flat region slightly negative.
    return mean, (_blur(images.square()) - mean.square()).clamp(min=0)


def _blur(images: Tensor) -> Tensor:
    """Gaussian blur with reflected borders, as one matrix for columns and one for rows.

    On CPU several times faster than convolving single channels.
    """
    height, width = images.shape[2:]
    return _blur_matrix(height, images) @ images @ _blur_matrix(width, images).T


def _blur_matrix(size: int, like: Tensor) -> Tensor:
    """Returns the size×size matrix that blurs a column; its rows sum to 1."""
    offsets = torch.arange(WINDOW, dtype=like.dtype, device=like.device) - WINDOW // 2
    kernel = torch.exp(-(offsets / SIGMA).square() / 2)
    kernel = kernel / kernel.sum()
    border = WINDOW // 2
    # Blurring the unit vectors, each padded as an image is, gives the matrix's columns.
    units = pad(
        torch.eye(size, dtype=like.dtype, device=like.device)[:, None], (border, border), mode="reflect"
    )
    return conv1d(units, kernel.view(1, 1, -1)).squeeze(1).T
