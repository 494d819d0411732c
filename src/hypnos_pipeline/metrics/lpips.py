"""Learned perceptual image patch similarity of every pair (paper 3.5.3; Zhang et al. 2018)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from hypnos_pipeline.metrics.images import check_same_size

NORM_FLOOR = 1e-10
COLUMNS_PER_PRODUCT = 1 << 18


class PerceptualNetwork(Protocol):
    """A backbone with linear heads.

    Attributes:
        heads: For each tap, the weights of its channels, float C.
    """

    heads: list[Tensor]

    def taps(self, images: Tensor) -> list[Tensor]:
        """Returns the feature maps, B×C×H'×W' each, of images B×3×H×W in [0, 1]."""
        ...


def lpips(a: Tensor, b: Tensor, network: PerceptualNetwork, batch: int = 32) -> Tensor:
    """Perceptual distance of each image of ``a`` to each of ``b``.

    Features are unit vectors at every position; their squared difference is weighted by the heads, averaged
    over positions, summed over taps. Each image's features are computed once.

    Args:
        a: Float images in [0, 1], N×3×H×W.
        b: Float images in [0, 1], M×3×H×W.
        network: Backbone and heads.
        batch: Images of ``a`` whose features are held at a time; those of ``b`` are all held.

    Returns:
        N×M float32 matrix, 0 for identical images.
    """
    check_same_size(a, b)
    references = unit_taps(b, network)
    rows = [tap_distances(unit_taps(chunk, network), references, network.heads) for chunk in a.split(batch)]
    return torch.cat(rows)


@torch.no_grad()
def unit_taps(images: Tensor, network: PerceptualNetwork) -> list[Tensor]:
    """Returns the network's maps with unit length at every position."""
    maps = network.taps(images)
    return [each / (each.square().sum(1, keepdim=True).sqrt() + NORM_FLOOR) for each in maps]


@torch.no_grad()
def tap_distances(a: list[Tensor], b: list[Tensor], heads: list[Tensor]) -> Tensor:
    """Distances between all pairs of images from their unit maps, by |a|² + |b|² − 2ab.

    Args:
        a: For each tap, N×C×H'×W'.
        b: For each tap, M×C×H'×W'.
        heads: For each tap, C weights.

    Returns:
        N×M float32 matrix.
    """
    total = torch.zeros(len(a[0]), len(b[0]), dtype=torch.float64, device=a[0].device)
    for left, right, head in zip(a, b, heads, strict=True):
        positions = left.shape[2] * left.shape[3]
        weights = head.to(left).double().repeat_interleave(positions)
        total += _weighted_squares(left.flatten(1), right.flatten(1), weights) / positions
    return total.float()


def _weighted_squares(a: Tensor, b: Tensor, weights: Tensor) -> Tensor:
    """Σ_k w_k (a_ik − b_jk)², N×M float64; in column blocks, so that no whole copy is made in float64.

    float64, because the three terms nearly cancel for similar images.
    """
    total = torch.zeros(len(a), len(b), dtype=torch.float64, device=a.device)
    block = max(1, COLUMNS_PER_PRODUCT // max(len(a), len(b)))
    for left, right, weight in zip(a.split(block, 1), b.split(block, 1), weights.split(block), strict=True):
        left, right = left.double(), right.double()
        products = (left * weight) @ right.T
        total += left.square() @ weight[:, None] + (right.square() @ weight)[None] - 2 * products
    return total
