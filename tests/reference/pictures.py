"""The pictures that numbers are compared on: random ones and the tracked subjects' photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms
from torchvision.transforms import Compose

from tests.conftest import PROJECT_ROOT
from tests.metrics.conftest import random_images

PHOTOS = PROJECT_ROOT / "data/01_raw/subjects"
KINDS = ("random", "photos")
ROUNDING = 1e-6
"""How far a cosine in float32 may lie from that in float64, by the rounding of its terms."""


def pictures(kind: str, count: int, size: int, first: int = 0) -> Tensor:
    """Returns pictures of 8 bits as the metrics get them.

    Args:
        kind: ``random``, or ``photos``: those of all tracked sets, one set after the other in turn.
        count: How many; there are twenty-four photos.
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


def as_arrays(images: Tensor) -> np.ndarray:
    """Returns the pictures as files hold them, uint8 N×H×W×3."""
    return as_uint8(images).permute(0, 2, 3, 1).contiguous().numpy()


def prepared_by(transform: Callable[[Image.Image], Tensor], images: Tensor) -> Tensor:
    """Returns the pictures as a transform of Pillow's images prepares each of them."""
    return torch.stack([transform(Image.fromarray(image)) for image in as_arrays(images)])


def evaluation_transform(edge: int, crop: int, mean: Sequence[float], deviation: Sequence[float]) -> Compose:
    """Returns the transform of DINO's and CLIP's authors: shorter edge by bicubic, centre, normalised."""
    bicubic = transforms.InterpolationMode.BICUBIC
    return Compose(
        [
            transforms.Resize(edge, interpolation=bicubic),
            transforms.CenterCrop(crop),
            transforms.ToTensor(),
            transforms.Normalize(mean, deviation),
        ]
    )


def of_every_pair(library: Callable[[Tensor, Tensor], float], a: Tensor, b: Tensor) -> Tensor:
    """Returns what a library's function of two pictures, 3×H×W each, gives for every pair, N×M."""
    return torch.tensor([[float(library(x, y)) for y in b] for x in a])


@lru_cache(maxsize=64)
def _photo(number: int, size: int) -> np.ndarray:
    subjects = sorted(folder for folder in PHOTOS.iterdir() if folder.is_dir())
    files = sorted(subjects[number % len(subjects)].glob("*.jpg"))
    with Image.open(files[number // len(subjects)]) as photo:
        return np.asarray(photo.convert("RGB").resize((size, size), Image.Resampling.LANCZOS))
