"""Kernel inception distance between the generated images and the photos (Bińkowski et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from hypnos_pipeline.models.frechet_features import FrechetFeatures


def kid_of_features(a: FrechetFeatures, b: FrechetFeatures) -> float:
    """Kernel distance of the final features of two sets of at least 2 images each."""
    return polynomial_distance(a.final, b.final)


def polynomial_distance(a: Tensor, b: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y/D + 1)³.

    One estimate from all pairs: random subsets would only add noise. May be negative, being unbiased.

    Args:
        a: Features N×D of any float type, N ≥ 2; computed in float64.
        b: Features M×D, M ≥ 2.

    Raises:
        ValueError: If a set has fewer than two rows.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError(
            f"an unbiased estimate needs at least 2 images in each set, got {len(a)} and {len(b)}"
        )
    a, b = a.double(), b.double().to(a.device)
    cross = _kernel(a, b).mean()
    return (_mean_off_diagonal(_kernel(a, a)) + _mean_off_diagonal(_kernel(b, b)) - 2 * cross).item()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _mean_off_diagonal(square: Tensor) -> Tensor:
    count = len(square)
    return (square.sum() - square.trace()) / (count * (count - 1))
