"""Fréchet inception distances between the generated images and the photos (paper 3.5.3).

``fid`` takes the network's final pooled features (2048 of Inception). ``fid_64`` takes its early 64-channel
tap, averaged over positions: our guess at the paper's magnitudes (2.4–42.8), which 2048 dimensions and four
photos cannot give; not verified. Both are biased for so few images.
"""

from __future__ import annotations

from hypnos_pipeline.metrics.frechet import frechet_distance
from hypnos_pipeline.models.frechet_features import FrechetFeatures


def fid_of_features(a: FrechetFeatures, b: FrechetFeatures) -> float:
    """Fréchet distance of the final features of two sets of at least 2 images each."""
    return frechet_distance(a.final, b.final)


def fid_64_of_features(a: FrechetFeatures, b: FrechetFeatures) -> float:
    """Fréchet distance of the early features of two sets of at least 2 images each."""
    return frechet_distance(a.early, b.early)
