"""Fréchet and kernel distances: their limits, and which features they read (values: tests/reference)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hypnos_pipeline.metrics.fid import fid_64_of_features, fid_of_features
from hypnos_pipeline.metrics.frechet import frechet_distance
from hypnos_pipeline.metrics.kid import kid_of_features, polynomial_distance
from tests.metrics.conftest import random_images


def random_features(count: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64) / width**0.5
    return torch.randn(count, width, generator=generator, dtype=torch.float64) @ mixing + 0.1 * seed


def test_frechet_is_exact_where_covariances_are_singular():
    a, b = random_features(9, 40, seed=3), random_features(4, 40, seed=4)
    # With S₁, S₂ of low rank the trace of (S₁S₂)^½ is the sum of the roots of the product's eigenvalues.
    first, second = np.cov(a.numpy(), rowvar=False), np.cov(b.numpy(), rowvar=False)
    eigenvalues = np.linalg.eigvals(first @ second).real
    largest = np.sort(eigenvalues)[::-1][:3]  # four photos span three directions
    difference = (a.mean(0) - b.mean(0)).numpy()
    expected = difference @ difference + np.trace(first) + np.trace(second) - 2 * np.sqrt(largest).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_of_a_set_with_itself_is_zero_and_a_shift_adds_its_square():
    a = random_features(7, 20, seed=5)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, a + 2) == pytest.approx(4 * 20, rel=1e-9)


def test_one_image_has_no_set_distance():
    one, many = torch.zeros(1, 3), torch.zeros(5, 3)
    for distance in (frechet_distance, polynomial_distance):
        for sets in ((many, one), (one, many)):
            with pytest.raises(ValueError, match=rf"at least 2 .* got {len(sets[0])} and {len(sets[1])}$"):
                distance(*sets)


def test_two_images_have_one_as_by_hand():
    a, b = torch.tensor([[0, 1], [2, 3]]), torch.tensor([[1, 0], [3, 4]])
    # The means are (1, 0) apart, the traces 4 and 10, the nuclear norm that of (3, −3; −3, 3).
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + 10 - 2 * 6)
    # Either set has one kernel of (3/2 + 1)³; those between them are 1, 27, 8 and 1000.
    assert polynomial_distance(a, b) == pytest.approx(2 * 2.5**3 - 2 * 259)


def test_distances_read_the_right_features(networks):
    a, b = (networks.inception.embed(random_images(count, seed=count)) for count in (6, 4))
    assert fid_of_features(a, b) == pytest.approx(frechet_distance(a.final, b.final))
    assert fid_64_of_features(a, b) == pytest.approx(frechet_distance(a.early, b.early))
    assert kid_of_features(a, b) == pytest.approx(polynomial_distance(a.final, b.final))


def test_early_features_are_the_first_stage_of_64_channels_averaged_over_positions():
    import timm

    from hypnos_pipeline.models.frechet import TimmFrechetNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("resnet10t", pretrained=False, num_classes=0).eval()
    images = random_images(2, 224)
    features = TimmFrechetNetwork(network).embed(images)
    configuration = network.pretrained_cfg
    mean = torch.tensor(configuration["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(configuration["std"]).view(1, 3, 1, 1)
    with torch.no_grad():
        if configuration["input_size"][1:] != (224, 224):
            size = configuration["input_size"][1:]
            images = torch.nn.functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)
        normalised = (images - mean) / std
        stem = network.act1(network.bn1(network.conv1(normalised)))
        expected = network(normalised)
    assert features.early.shape == (2, 64)
    torch.testing.assert_close(features.early, stem.mean((2, 3)))
    torch.testing.assert_close(features.final, expected)


def test_a_network_without_64_channels_gives_its_earliest_stage(networks):
    assert networks.inception.embed(random_images(2)).early.shape == (2, 32)
