"""PSNR per pair against torchmetrics and scikit-image."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.metrics.psnr import psnr
from tests.reference.pictures import of_every_pair, pictures


@pytest.mark.parametrize("size", [64, 512])
def test_it_is_the_libraries_on_every_pair(kind, size):
    from skimage.metrics import peak_signal_noise_ratio as of_skimage
    from torchmetrics.functional.image import peak_signal_noise_ratio as of_torchmetrics

    a, b = pictures(kind, 3, size), pictures(kind, 2, size, first=3)
    for library in (
        lambda x, y: of_torchmetrics(x[None], y[None], data_range=1.0),
        lambda x, y: of_skimage(y.double().numpy(), x.double().numpy(), data_range=1.0),
    ):
        torch.testing.assert_close(psnr(a, b), of_every_pair(library, a, b), rtol=1e-5, atol=0)
