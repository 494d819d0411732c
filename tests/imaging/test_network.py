"""The backend ``network``: a file that describes itself, images of any size, many at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from hypnos_pipeline.imaging.mattes import registry
from hypnos_pipeline.imaging.mattes.batches import cut_out_images
from hypnos_pipeline.imaging.mattes.network import FILE, save_network
from hypnos_pipeline.imaging.mattes.registry import BoundBackend, find_backend
from hypnos_pipeline.imaging.mattes.unet import MatteUNet
from hypnos_pipeline.imaging.settings import BackendSettings

CHANNELS = (4, 6, 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matting")
    torch.manual_seed(5)
    save_network(MatteUNet(CHANNELS), 16, CHANNELS, folder / FILE)
    return folder


def noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def bound(folder: Path) -> BoundBackend:
    return find_backend("network", {}, folder)


def test_many_images_have_the_mattes_that_each_has_alone(folder):
    images = noise(33, 24, 20)
    backend = bound(folder)
    assert backend.problems() == []
    mattes = cut_out_images(images, BackendSettings(backend="network"), folder)
    assert (mattes.shape, mattes.dtype) == ((33, 24, 20), np.float32)
    assert 0.0 <= mattes.min() < mattes.max() <= 1.0
    for k in (0, 31, 32):
        np.testing.assert_allclose(mattes[k], backend.remove(Image.fromarray(images[k])), atol=1e-5)
    assert cut_out_images(images[:0], BackendSettings(backend="network"), folder).shape == (0, 24, 20)


def test_the_network_takes_images_in_its_own_size(folder):
    small = noise(1, 16, 16)
    large = small.repeat(4, 1).repeat(4, 2)
    averaged = bound(folder).remove_all(large).reshape(16, 4, 16, 4).mean((1, 3))
    np.testing.assert_allclose(averaged, bound(folder).remove_all(small)[0], atol=0.1)


def test_missing_and_foreign_weights_are_named(folder, tmp_path):
    backend = bound(tmp_path)
    assert backend.network is not None
    assert str(backend.problems()[0]).startswith(f"{backend.network} is missing; put it there; options.file")
    save_file({"stem.0.weight": torch.zeros(3)}, backend.network)
    (foreign,) = backend.problems()
    whole = MatteUNet(CHANNELS)
    torch.nn.init.constant_(whole.out.bias, torch.nan)  # pyright: ignore[reportArgumentType]
    save_network(whole, 16, CHANNELS, backend.network)
    (broken,) = backend.problems()
    save_network(whole, 16, (4, 8, 8), backend.network)
    (lacking,) = backend.problems()
    assert "tensors hold NaN or infinite values: out.bias" in broken.what
    assert "tensors are missing or of another shape" in lacking.what
    for problem in (foreign, broken, lacking):
        assert problem.what.startswith(f"{backend.network} is not the network of the miniature world")
        assert problem.what.endswith("get it again")


def test_a_backend_for_single_photos_cuts_many_out_one_by_one(monkeypatch):
    def brightness(photo: Image.Image, *, factor: float = 1.0) -> np.ndarray:
        return np.asarray(photo.convert("L"), dtype=np.float64) / 255 * factor

    monkeypatch.setitem(registry._BACKENDS, "brightness", brightness)
    images = np.stack([np.full((4, 6, 3), value, dtype=np.uint8) for value in (0, 255)])
    settings = BackendSettings(backend="brightness", options={"factor": 0.5})
    mattes = cut_out_images(images, settings)
    np.testing.assert_array_equal(mattes, np.broadcast_to([[[0.0]], [[0.5]]], (2, 4, 6)))
    assert mattes.dtype == np.float32
    with pytest.raises(ValueError, match="brightness"):
        cut_out_images(images, settings.model_copy(update={"options": {"factor": 3.0}}))
    with pytest.raises(ValueError, match=r"evaluation\.cut_out\.options: "):
        cut_out_images(images, settings.model_copy(update={"options": {"power": 1}}))
