"""The working square: the part of a raw photo that is *the photo* from here on (method.md §1)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from hypnos_pipeline.imaging.compositing import matte_box
from hypnos_pipeline.imaging.pixels import to_uint8

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
    ``centre`` takes the middle; ``pad`` the whole photo within a larger square. ``alpha`` is the photo's
    matte, H×W in [0, 1], ``name`` its name in the warning.
    """
    if crop == "pad":
        return central(width, height, max(width, height))
    short = min(width, height)
    centre = central(width, height, short)
    box = matte_box(alpha, threshold=0.5)
    if crop == "centre" or box is None:
        return centre
    left, top, right, bottom = box
    if max(right - left, bottom - top) > short:
        text = (
            "%s: the subject's box (%d×%d) does not fit the largest square (%d): cut from the centre; "
            "set crop to 'pad' or exclude the photo"
        )
        logger.warning(text, name, right - left, bottom - top, short)
        return centre
    slid_left = min(max((left + right - short) // 2, 0), width - short)
    slid_top = min(max((top + bottom - short) // 2, 0), height - short)
    return Square(slid_left, slid_top, short)


def central(width: int, height: int, side: int) -> Square:
    """Returns the square of a side about the centre of a photo."""
    return Square((width - side) // 2, (height - side) // 2, side)


def cut_photo(photo: Image.Image, square: Square, size: int) -> np.ndarray:
    """Cuts the square from an RGB photo and scales it with Lanczos to size×size×3 uint8.

    Outside the frame it is the photo's median border colour.
    """
    return np.asarray(_cut(photo, square, size, _border_colour(photo)))


def cut_matte(alpha: np.ndarray, square: Square, size: int) -> np.ndarray:
    """Cuts the same square from a matte (H×W float in [0, 1]), size×size uint8; outside the frame it is 0."""
    return to_uint8(np.asarray(_cut(Image.fromarray(alpha.astype(np.float32)), square, size, 0.0)))


def _cut(image: Image.Image, square: Square, size: int, outside: tuple[int, ...] | float) -> Image.Image:
    """Crops exactly the square, then scales: the filter never reads pixels beyond it."""
    paper = Image.new(image.mode, (square.side, square.side), outside)
    paper.paste(image, (-square.left, -square.top))
    return paper.resize((size, size), Image.Resampling.LANCZOS)


def _border_colour(photo: Image.Image) -> tuple[int, int, int]:
    """Returns the median colour of a photo's outermost pixels."""
    pixels = np.asarray(photo)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = np.median(border, axis=0).astype(int)
    return int(red), int(green), int(blue)
