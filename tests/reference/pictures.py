"""What the numbers are compared on: random pictures and the photos of the tracked subjects."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tests.conftest import PROJECT_ROOT
from tests.metrics.conftest import random_images

PHOTOS = PROJECT_ROOT / "data/01_raw/subjects"
KINDS = ("random", "photos")


def pictures(kind: str, count: int, size: int, first: int = 0) -> Tensor:
    """Returns pictures of 8 bits as the metrics get them.

    Args:
        kind: ``random``, or ``photos``: those of all tracked subjects, one subject after the other in turn.
        count: How many; there are twelve photos.
        size: Their edge in pixels.
        first: Where in the row of pictures to begin.

    Returns:
        Float32 in [0, 1], count×3×size×size.
    """
    numbers = range(first, first + count)
    if kind == "random":
        return as_uint8(torch.cat([random_images(1, size, seed=number) for number in numbers])) / 255
    photos = np.stack([_photo(number, size) for number in numbers])
    return torch.from_numpy(photos).permute(0, 3, 1, 2).contiguous() / 255


def as_uint8(images: Tensor) -> Tensor:
    """Returns the pictures as the libraries take them, uint8 N×3×H×W."""
    return images.mul(255).round().byte()


@lru_cache(maxsize=64)
def _photo(number: int, size: int) -> np.ndarray:
    subjects = sorted(folder for folder in PHOTOS.iterdir() if folder.is_dir())
    files = sorted(subjects[number % len(subjects)].glob("*.jpg"))
    with Image.open(files[number // len(subjects)]) as photo:
        return np.asarray(photo.convert("RGB").resize((size, size), Image.Resampling.LANCZOS))
