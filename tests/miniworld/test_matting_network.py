"""The tracked matting network, on pictures that its training never saw and whose mattes are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hypnos_pipeline.imaging.mattes.batches import cut_out_images
from hypnos_pipeline.imaging.settings import BackendSettings
from hypnos_pipeline.miniworld.render.captions import draw_example
from hypnos_pipeline.miniworld.render.dataset import to_bytes
from hypnos_pipeline.miniworld.render.mattes import draw_pictures
from hypnos_pipeline.miniworld.render.scene import render
from hypnos_pipeline.miniworld.render.subjects import SUBJECTS
from hypnos_pipeline.miniworld.train.matting import iou, round_trip

torch = pytest.importorskip("torch")

RAW = Path("data/01_raw")
MODELS = RAW / "models/mini"
NETWORK, GRABCUT = BackendSettings(backend="network"), BackendSettings(backend="grabcut")


def overlap(images: np.ndarray, true: np.ndarray, backend: BackendSettings = NETWORK) -> np.ndarray:
    """The overlap of each image's cut-out with its true matte, N×H×W uint8."""
    return iou(cut_out_images(images, backend, MODELS / "matting"), true.astype(np.float32) / 255)


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    images, mattes = draw_pictures(20271127, "test/mattes", 48)
    there = mattes.any((1, 2))
    return images[there], mattes[there]


@pytest.fixture(scope="module")
def soft_pictures(pictures) -> tuple[np.ndarray, np.ndarray]:
    """The same, and softer: they went through the autoencoder."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(MODELS / "text_to_image/vae", local_files_only=True).float()
    return round_trip(vae, pictures[0], 3, "test"), pictures[1]


def test_held_back_renders_are_cut_out(pictures, soft_pictures):
    assert overlap(*pictures).mean() > 0.83
    assert overlap(*soft_pictures).mean() > 0.75


@pytest.mark.long
def test_soft_renders_are_cut_out_better_than_by_grabcut(soft_pictures):
    assert overlap(*soft_pictures).mean() > overlap(*soft_pictures, GRABCUT).mean() + 0.03


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_studys_own_objects_are_cut_out(name):
    views = sorted((RAW / "truth" / name / "unseen").glob("*.jpg"))
    images = np.stack([_small(view, "RGB") for view in views])
    masks = np.stack([_small(view.parents[1] / "unseen_masks" / f"{view.stem}.png", "L") for view in views])
    assert overlap(images, masks).mean() > 0.83


def _small(file: Path, mode: str) -> np.ndarray:
    return np.asarray(Image.open(file).convert(mode).resize((64, 64), Image.Resampling.BOX))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_two_places_blended_into_each_other_do_not_disturb_it(share):
    mixed, mattes = [], []
    for index in range(16):
        drawn = render(*draw_example(11, index, "test/composites"))
        other = render(*draw_example(12, index, "test/composites"))["backdrop"]
        place = (1 - share) * drawn["backdrop"] + share * other
        mixed.append(to_bytes(drawn["object"] + (1 - drawn["alpha"]) * place))
        mattes.append(to_bytes(drawn["alpha"][..., 0]))
    assert overlap(np.stack(mixed), np.stack(mattes)).mean() > 0.87


def test_of_a_place_without_an_object_next_to_nothing_is_cut_out():
    places = [to_bytes(render(*draw_example(13, k, "test/places"))["backdrop"]) for k in range(24)]
    assert cut_out_images(np.stack(places), NETWORK, MODELS / "matting").mean() < 0.01
