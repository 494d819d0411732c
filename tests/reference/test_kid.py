"""The kernel distance against its definition in float64 and the libraries' functions.

The libraries average over random subsets of equal sizes; one subset of all images leaves no chance in them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hypnos_pipeline.metrics.kid import kid_of_features, polynomial_distance
from tests.metrics.test_set_distances import random_features


def definition(a: torch.Tensor, b: torch.Tensor) -> float:
    """The unbiased estimate pair by pair."""
    a, b = a.double().numpy(), b.double().numpy()

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / len(x) + 1.0) ** 3

    def within(rows: np.ndarray) -> float:
        return np.mean([kernel(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j])

    return float(within(a) + within(b) - 2 * np.mean([kernel(x, y) for x in a for y in b]))


def of_torchmetrics(a: torch.Tensor, b: torch.Tensor) -> float:
    from torchmetrics.image.kid import KernelInceptionDistance

    library = KernelInceptionDistance(feature=torch.nn.Identity(), subsets=1, subset_size=len(a))
    library.update(a.double(), real=False)
    library.update(b.double(), real=True)
    return library.compute()[0].item()


def of_clean_fid(a: torch.Tensor, b: torch.Tensor) -> float:
    from cleanfid.fid import kernel_distance

    return kernel_distance(a.double().numpy(), b.double().numpy(), num_subsets=1)


def test_it_is_the_definition():
    a, b = random_features(6, 5, seed=6), random_features(4, 5, seed=7)
    assert polynomial_distance(a, b) == pytest.approx(definition(a, b), rel=1e-12)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("library", [of_torchmetrics, of_clean_fid])
def test_it_is_the_libraries_estimate_from_all_images(library):
    a, b = random_features(40, 64, seed=8), random_features(40, 64, seed=9)
    assert polynomial_distance(a, b) == pytest.approx(library(a, b), rel=1e-9)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_kid_of_pictures(features, kind):
    a, b = features[kind]
    assert kid_of_features(a, b) == pytest.approx(definition(a.final, b.final), rel=1e-9)
    three = a.rows([0, 1, 2])
    ours = kid_of_features(three, b)
    assert ours == pytest.approx(of_torchmetrics(three.final, b.final), rel=1e-5)
    assert ours == pytest.approx(of_clean_fid(three.final, b.final), rel=1e-5)
