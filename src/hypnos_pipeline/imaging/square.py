"""The working square: the part of a raw photo that is *the photo* from here on (method.md §1)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from hypnos_pipeline.imaging.compositing import matte_box

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Square:
    """A square of a photo in its own pixels; it may reach outside the frame only when padding.

    Attributes:
        left: Pixels right of the photo's left edge.
        top: Pixels below its upper edge.
        side: Length in pixels.
    """

    left: int
    top: int
    side: int


def find_square(
    width: int, height: int, alpha: np.ndarray, crop: Literal["matte", "centre", "pad"], name: str
) -> Square:
    """Finds the working square of one photo.

    ``matte`` takes the largest square in frame and slides it to the matte's box, centred on it as far as the
    frame allows; where the box is longer than the frame's short side it is the middle, with a warning.
    ``centre`` takes the middle; ``pad`` the whole photo within a larger square.

    Args:
        width: Photo's width in pixels.
        height: Photo's height in pixels.
        alpha: H×W in [0, 1], the photo's matte.
        crop: Which square.
        name: Photo's name, for the warning.
    """
    short, long = min(width, height), max(width, height)
    if crop == "pad":
        return Square((width - long) // 2, (height - long) // 2, long)
    centre = Square((width - short) // 2, (height - short) // 2, short)
    box = matte_box(alpha, threshold=0.5)
    if crop == "centre" or box is None:
        return centre
    left, top, right, bottom = box
    if max(right - left, bottom - top) > short:
        logger.warning(
            "%s: the subject's box (%d×%d) does not fit the largest square (%d): cut from the centre; "
            "set crop to 'pad' or exclude the photo",
            name,
            right - left,
            bottom - top,
            short,
        )
        return centre
    slid_left = min(max((left + right - short) // 2, 0), width - short)
    slid_top = min(max((top + bottom - short) // 2, 0), height - short)
    return Square(slid_left, slid_top, short)


def cut_photo(photo: Image.Image, square: Square, size: int) -> np.ndarray:
    """Cuts the square from an RGB photo and scales it with Lanczos.

    Outside the frame it is the photo's median border colour.

    Returns:
        size×size×3 uint8.
    """
    if square.left < 0 or square.top < 0:
        paper = Image.new("RGB", (square.side, square.side), _border_colour(photo))
        paper.paste(photo, (-square.left, -square.top))
        photo, square = paper, Square(0, 0, square.side)
    return np.asarray(_scaled(photo, square, size))


def cut_matte(alpha: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cuts the same square from a matte (H×W float in [0, 1]); outside the frame it is 0.

    Returns:
        size×size uint8.
    """
    plane = Image.fromarray(alpha.astype(np.float32))
    if square.left < 0 or square.top < 0:
        paper = Image.new("F", (square.side, square.side), 0.0)
        paper.paste(plane, (-square.left, -square.top))
        plane, square = paper, Square(0, 0, square.side)
    return np.rint(np.clip(np.asarray(_scaled(plane, square, size)), 0.0, 1.0) * 255).astype(np.uint8)


def _scaled(image: Image.Image, square: Square, size: int) -> Image.Image:
    """Crops exactly the square, then scales: the filter never reads pixels beyond it."""
    box = (square.left, square.top, square.left + square.side, square.top + square.side)
    return image.crop(box).resize((size, size), Image.Resampling.LANCZOS)


def _border_colour(photo: Image.Image) -> tuple[int, int, int]:
    """Returns the median colour of a photo's outermost pixels."""
    pixels = np.asarray(photo)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = np.median(border, axis=0).astype(int)
    return int(red), int(green), int(blue)
