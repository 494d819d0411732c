"""Fréchet inception distances between the generated images and the photos (paper 3.5.3).

``fid`` takes the network's final pooled features (2048 of Inception). ``fid_64`` takes its early 64-channel
tap, averaged over positions: our guess at the paper's magnitudes (2.4–42.8), which 2048 dimensions and four
photos cannot give; not verified. Both are biased for so few images.
"""

from __future__ import annotations

from torch import Tensor

from hypnos_pipeline.metrics.frechet import frechet_distance
from hypnos_pipeline.models.frechet_features import FrechetFeatures, FrechetNetwork


def fid(a: Tensor, b: Tensor, network: FrechetNetwork) -> float:
    """Fréchet distance of the final features of two batches N×3×H×W, M×3×H×W in [0, 1]; N, M ≥ 2."""
    return fid_of_features(network.embed(a), network.embed(b))


def fid_64(a: Tensor, b: Tensor, network: FrechetNetwork) -> float:
    """Fréchet distance of the early features of two batches N×3×H×W, M×3×H×W in [0, 1]; N, M ≥ 2."""
    return fid_64_of_features(network.embed(a), network.embed(b))


def fid_of_features(a: FrechetFeatures, b: FrechetFeatures) -> float:
    """The same as :func:`fid` from features."""
    return frechet_distance(a.final, b.final)


def fid_64_of_features(a: FrechetFeatures, b: FrechetFeatures) -> float:
    """The same as :func:`fid_64` from features."""
    return frechet_distance(a.early, b.early)
