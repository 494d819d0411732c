"""Fréchet distances against the textbook formula in float64 and the libraries' functions.

The libraries form D×D matrices. At 2048 dimensions and a handful of images that costs them 20 s and their
accuracy (2000 eigenvalues that should be 0), so there they get the features turned into the few dimensions
that these span, which changes no distance.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from hypnos_pipeline.metrics.fid import fid_64_of_features, fid_of_features
from hypnos_pipeline.metrics.frechet import frechet_distance
from tests.metrics.test_set_distances import random_features
from tests.reference.pictures import as_uint8, pictures


def textbook(a: torch.Tensor, b: torch.Tensor) -> float:
    """Dense covariances and a float64 matrix square root."""
    a, b = a.double().numpy(), b.double().numpy()
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    difference = a.mean(0) - b.mean(0)
    return float(
        difference @ difference + np.trace(first + second) - 2 * np.trace(sqrtm(first @ second)).real
    )


def of_torchmetrics(a: torch.Tensor, b: torch.Tensor) -> float:
    from torchmetrics.image.fid import _compute_fid

    moments = [moment for each in (a.double(), b.double()) for moment in (each.mean(0), each.T.cov())]
    return _compute_fid(*moments).item()


def of_clean_fid(a: torch.Tensor, b: torch.Tensor) -> float:
    from cleanfid.fid import fid_from_feats

    return fid_from_feats(a.double().numpy(), b.double().numpy())


def small_matrix(a: torch.Tensor, b: torch.Tensor) -> float:
    """The trace of the root from the eigenvalues of S₁S₂ that are not 0, those of an n×n product."""
    a, b = a.double().numpy(), b.double().numpy()
    first, second = ((each - each.mean(0)) / np.sqrt(len(each) - 1) for each in (a, b))
    eigenvalues = np.linalg.eigvals((first @ second.T) @ (second @ first.T)).real
    # Centring costs each set one direction; the eigenvalues beyond the smaller rank are noise.
    roots = np.sqrt(np.sort(eigenvalues)[::-1][: min(len(a), len(b)) - 1])
    difference = a.mean(0) - b.mean(0)
    return float(difference @ difference + (first**2).sum() + (second**2).sum() - 2 * roots.sum())


def turned(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the features in an orthonormal basis of the few directions that they span."""
    both = torch.cat([a, b]).double()
    basis = torch.linalg.qr(both.T).Q
    return a.double() @ basis, b.double() @ basis


@pytest.mark.parametrize(("n", "m"), [(200, 150), (200, 20), (20, 200)])
def test_64_dimensions_of_full_and_low_rank(n, m):
    a, b = random_features(n, 64, seed=1), random_features(m, 64, seed=2)
    ours = frechet_distance(a, b)
    assert ours == pytest.approx(of_torchmetrics(a, b), rel=1e-6)
    if min(n, m) > 64:
        assert ours == pytest.approx(textbook(a, b), rel=1e-9)
        assert ours == pytest.approx(of_clean_fid(a, b), rel=1e-9)


def test_many_dimensions_of_full_rank():
    a, b = random_features(400, 256, seed=3), random_features(300, 256, seed=4)
    ours = frechet_distance(a, b)
    assert ours == pytest.approx(textbook(a, b), rel=1e-9)
    assert ours == pytest.approx(of_clean_fid(a, b), rel=1e-9)
    assert ours == pytest.approx(of_torchmetrics(a, b), rel=1e-9)


@pytest.mark.long
def test_2048_dimensions_of_full_rank():
    a, b = random_features(2400, 2048, seed=5), random_features(2200, 2048, seed=6)
    assert frechet_distance(a, b) == pytest.approx(of_clean_fid(a, b), rel=1e-7)


def test_fid_of_pictures(features, kind):
    a, b = features[kind]
    ours = fid_of_features(a, b)
    assert ours == pytest.approx(small_matrix(a.final, b.final), rel=1e-7)
    assert ours == pytest.approx(of_torchmetrics(*turned(a.final, b.final)), rel=1e-5)


@pytest.mark.usefixtures("offline_weights")
def test_fid_64_of_pictures(features):
    """torchmetrics from pictures to number; ``antialias=False`` is its resizing of the paper's time."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    library = FrechetInceptionDistance(feature=64, antialias=False)
    for kind, (a, b) in features.items():
        ours = fid_64_of_features(a, b)
        assert ours == pytest.approx(small_matrix(a.early, b.early), rel=1e-7)
        library.reset()
        library.update(as_uint8(pictures(kind, 4, 96)), real=False)
        library.update(as_uint8(pictures(kind, 3, 96, first=4)), real=True)
        assert ours == pytest.approx(library.compute().item(), rel=1e-5)
