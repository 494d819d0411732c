"""Small pictures whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.photos import RawPhotos, read_photos
from hypnos_pipeline.imaging.pixels import to_uint8
from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.prompting.templates import pool_prompt

SIZE = 48


@pytest.fixture
def real_photos(project_root: Path) -> RawPhotos:
    """Photos that somebody took, where they are beside this checkout."""
    folder = project_root.parent / "shared" / "photos" / "red_cartoon"
    if not folder.is_dir():
        pytest.skip("the real photos are not beside this checkout")
    return read_photos(folder)


def disc_matte(size: int = SIZE, x: float = 0.5, y: float = 0.5, radius: float = 0.22) -> np.ndarray:
    """A disc with a soft edge some pixels wide, size×size float in [0, 1]."""
    rows, columns = np.mgrid[0:size, 0:size] / size
    distance = np.hypot(columns - x, rows - y)
    return np.clip((radius - distance) * size / 4 + 0.5, 0.0, 1.0)


@pytest.fixture
def prompt_for() -> Callable[[str | None], str]:
    return partial(pool_prompt, SubjectSettings(noun="robot", instance_word="sks", background_word="ohwx"))


@pytest.fixture
def augmentation() -> AugmentationSettings:
    colours = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black"]
    return AugmentationSettings(recoloured=6, resized=5, altered=4, colours=colours)


@pytest.fixture
def working() -> tuple[ImageSet, ImageSet, ImageSet]:
    """Two working photos (teal discs with stripes on noise), their mattes and their true foregrounds."""
    photos, mattes, foregrounds = {}, {}, {}
    for index, name in enumerate(("front", "side")):
        draw = np.random.default_rng(index)
        alpha = disc_matte(x=0.45 + 0.1 * index)
        foreground = np.full((SIZE, SIZE, 3), (0.1, 0.6, 0.55))
        foreground[::6] = (0.8, 0.3, 0.1)
        background = draw.uniform(0.2, 0.9, (SIZE, SIZE, 3))
        image = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
        photos[name], mattes[name], foregrounds[name] = map(to_uint8, (image, alpha, foreground))
    return ImageSet(photos), ImageSet(mattes), ImageSet(foregrounds)


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Three plain photos of different pixels."""
    folder = tmp_path / "subject"
    folder.mkdir()
    for index in range(3):
        picture(index).save(folder / f"{index}.jpg", quality=95)
    return folder


def picture(index: int, width: int = 60, height: int = 40) -> Image.Image:
    """A smooth picture, different for each index."""
    rows, columns = np.mgrid[0:height, 0:width]
    red = 40 + 3 * columns + 0 * rows
    pixels = np.stack([red, 20 + 5 * rows + 0 * columns, np.full_like(red, 30 + 40 * index)], axis=-1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
