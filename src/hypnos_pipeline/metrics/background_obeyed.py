"""Whether the background has the colour that the prompt requests (method.md §9)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hypnos_pipeline.imaging.colours import listed_colour, srgb_to_lab

FRAME = 0.10
"""Width of the frame that stands for the background, as a fraction of the image's side."""


def background_obeyed(images: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """CIEDE2000 between each image's border and the requested colour; lower is better.

    The border is the outer frame, a tenth of the side wide and 36 % of the pixels; its colour is the median
    of each of L*, a*, b*. So an object that reaches the border does not count until it fills half the frame.

    Args:
        images: N×H×W×3 uint8 sRGB.
        colours: A listed colour for each image.

    Returns:
        N float64 values of at least 0; about 1 is just noticeable, different names are over 20 apart.
    """
    from skimage.color import deltaE_ciede2000

    requested = srgb_to_lab(np.array([listed_colour(colour) for colour in colours]))
    return deltaE_ciede2000(requested, border_colours(images))


def border_colours(images: np.ndarray) -> np.ndarray:
    """Returns the frames' median CIELAB colours, N×3 float64, of images N×H×W×3 uint8."""
    height, width = images.shape[1:3]
    deep, wide = max(1, round(FRAME * height)), max(1, round(FRAME * width))
    frame = np.ones((height, width), dtype=bool)
    frame[deep : height - deep, wide : width - wide] = False
    return np.median(srgb_to_lab(images[:, frame]), axis=1)
