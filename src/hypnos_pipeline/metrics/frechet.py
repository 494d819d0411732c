"""The exact Fréchet distance between two Gaussians fitted to few features of many dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|Δμ|² + tr S₁ + tr S₂ − 2 tr (S₁S₂)^½ without forming a D×D matrix.

    With A, B the centred features divided by √(n − 1), S₁ = AᵀA and S₂ = BᵀB, and tr (S₁S₂)^½ is the nuclear
    norm of the small N×M matrix ABᵀ: exact also where the covariances are singular, as with four photos.

    Args:
        a: Features N×D of any float type, N ≥ 2; computed in float64.
        b: Features M×D, M ≥ 2.

    Raises:
        ValueError: If a set has fewer than two rows, where no covariance is defined.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError(f"a covariance needs at least 2 images in each set, got {len(a)} and {len(b)}")
    a, b = a.double(), b.double().to(a.device)
    difference = a.mean(0) - b.mean(0)
    left = (a - a.mean(0)) / (len(a) - 1) ** 0.5
    right = (b - b.mean(0)) / (len(b) - 1) ** 0.5
    if len(left) > left.shape[1]:
        # Only AᵀA enters, so the D×D triangle of A = QR stands for all N rows.
        left = torch.linalg.qr(left, mode="r").R
    cross = torch.linalg.matrix_norm(left @ right.T, ord="nuc")
    distance = difference.square().sum() + left.square().sum() + right.square().sum() - 2 * cross
    return max(0.0, distance.item())
