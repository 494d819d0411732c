"""SSIM (Gaussian window 11, σ 1.5, range 1) against torchmetrics, scikit-image and the formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from hypnos_pipeline.metrics.ssim import SIGMA, WINDOW, ssim
from tests.reference.pictures import of_every_pair, pictures

BORDER = WINDOW // 2


def similarity_map(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Wang's formula at every position of one channel, borders mirrored as torch's ``reflect`` does."""

    def blur(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, SIGMA, mode="mirror", radius=BORDER)

    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    return luminance * (2 * covariance + 9e-4) / (variance_x + variance_y + 9e-4)


@pytest.mark.parametrize("size", [64, 128])
def test_it_is_torchmetrics_on_every_pair(kind, size):
    from torchmetrics.functional.image import structural_similarity_index_measure as reference

    a, b = pictures(kind, 2, size), pictures(kind, 2, size, first=2)
    b[1, :, : size // 2] = 1.0  # flat and bright: in float32 the local variances drown in rounding
    expected = of_every_pair(lambda x, y: reference(x[None], y[None], data_range=1.0), a.double(), b.double())
    torch.testing.assert_close(ssim(a, b), expected, rtol=1e-5, atol=0)


def test_it_is_the_formula_which_is_scikit_images_away_from_the_border(kind):
    """scikit-image repeats the outermost pixel at the border, where torch's reflection does not."""
    from skimage.metrics import structural_similarity

    a, b = pictures(kind, 1, 64), pictures(kind, 2, 64, first=1)
    inner = (slice(BORDER, -BORDER),) * 2
    for column, y in enumerate(b):
        channels = list(zip(a[0].double().numpy(), y.double().numpy(), strict=True))
        maps = [similarity_map(*channel) for channel in channels]
        assert ssim(a, b)[0, column].item() == pytest.approx(np.mean(maps), rel=1e-5)
        for own, channel in zip(maps, channels, strict=True):
            _, theirs = structural_similarity(
                *channel, data_range=1.0, gaussian_weights=True, sigma=SIGMA,
                use_sample_covariance=False, full=True,
            )  # fmt: skip
            np.testing.assert_allclose(own[inner], theirs[inner], rtol=1e-9)
