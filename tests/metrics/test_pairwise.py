"""The five metrics of pairs: what all of them must satisfy (their values: tests/reference)."""

from __future__ import annotations

import math

import pytest
import torch

from hypnos_pipeline.metrics.clip_i import clip_i
from hypnos_pipeline.metrics.dino import dino
from hypnos_pipeline.metrics.lpips import lpips
from hypnos_pipeline.metrics.psnr import QUANTISATION_NOISE, psnr
from hypnos_pipeline.metrics.ssim import ssim
from tests.metrics.conftest import random_images

NAMES = ["dino", "clip_i", "ssim", "psnr", "lpips"]


@pytest.fixture
def metric(request, networks):
    """The named metric as a function of two batches."""
    return {
        "dino": lambda a, b: dino(a, b, networks.dino),
        "clip_i": lambda a, b: clip_i(a, b, networks.clip),
        "lpips": lambda a, b: lpips(a, b, networks.lpips),
        "ssim": ssim,
        "psnr": psnr,
    }[request.param]


@pytest.mark.parametrize("metric", NAMES, indirect=True)
def test_rows_are_the_first_batch_and_values_those_of_single_pairs(metric):
    a, b = random_images(5, seed=1), random_images(3, seed=2)
    matrix = metric(a, b)
    assert matrix.shape == (5, 3)
    one_by_one = [[metric(a[i : i + 1], b[j : j + 1]).item() for j in range(3)] for i in range(5)]
    torch.testing.assert_close(matrix, torch.tensor(one_by_one), rtol=2e-5, atol=2e-6)
    # Every pair differs from every other, so a transposed or shuffled matrix could not pass.
    assert matrix.flatten().sort().values.diff().min() > 1e-6
    torch.testing.assert_close(metric(b, a), matrix.T, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("metric", "itself"),
    [("dino", 1.0), ("clip_i", 1.0), ("ssim", 1.0), ("psnr", 58.922616), ("lpips", 0.0)],
    indirect=["metric"],
)
def test_identical_images_get_the_best_value(metric, itself):
    images = random_images(4)
    matrix = metric(images, images)
    torch.testing.assert_close(matrix.diagonal(), torch.full((4,), itself), rtol=1e-6, atol=1e-6)
    others = matrix[~torch.eye(4, dtype=torch.bool)]
    assert (others > itself + 1e-6).all() if itself == 0 else (others < itself - 1e-6).all()


def test_ssim_refuses_images_smaller_than_its_window():
    with pytest.raises(ValueError, match="window of 11"):
        ssim(random_images(1, 5), random_images(1, 5))


def test_psnr_is_finite_and_never_falls_as_images_get_closer():
    image = torch.full((1, 3, 64, 64), 0.5)
    steps = [0.2, 0.05, 1 / 255, 1e-4, 0.0]
    values = [psnr(image, image + step).item() for step in steps]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(-10 * math.log10(QUANTISATION_NOISE), abs=1e-4)


def test_images_of_two_sizes_are_refused():
    for metric in (psnr, ssim):
        with pytest.raises(ValueError, match="differ in size"):
            metric(random_images(1, 64), random_images(1, 32))


def test_lpips_of_a_timm_network_is_the_mean_over_stages(networks):
    from hypnos_pipeline.metrics.lpips import NORM_FLOOR

    a, b = random_images(2, seed=9), random_images(2, seed=10)
    stages = list(zip(networks.lpips.taps(a), networks.lpips.taps(b), strict=True))
    assert len(stages) == 5
    expected = torch.zeros(2, 2)
    for left, right in stages:
        left = left / (left.norm(dim=1, keepdim=True) + NORM_FLOOR)
        right = right / (right.norm(dim=1, keepdim=True) + NORM_FLOOR)
        for i in range(2):
            for j in range(2):
                expected[i, j] += (left[i] - right[j]).square().sum(0).mean() / len(stages)
    torch.testing.assert_close(lpips(a, b, networks.lpips), expected, rtol=1e-5, atol=1e-7)


def test_lpips_does_not_depend_on_its_batch(networks):
    a, b = random_images(5, seed=11), random_images(3, seed=12)
    torch.testing.assert_close(lpips(a, b, networks.lpips, batch=2), lpips(a, b, networks.lpips))
