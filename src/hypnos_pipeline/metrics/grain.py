"""Fine noise of generated images beyond the photos' (the paper's "less noise", 4.1.1 and 4.2).

Noise is estimated as Immerkær does ("Fast noise variance estimation", 1996): the difference of two Laplacians
takes out everything that is locally a plane, and edges along rows and columns, so that what is left is noise
and fine texture. A median takes the place of his mean: where edges and textures fill less than half of an
image, it does not see them.
"""

from __future__ import annotations

import numpy as np

GAIN = 6.0
"""The mask's response to white noise of standard deviation 1: the root of its squared weights, 36."""
MEDIAN_OF_NORMAL = 0.6744897501960817
"""The median of the absolute value of a standard normal variable."""


def grain(images: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Returns how much more fine noise each generated image has than the photos; lower is better.

    The difference has a sign. Its distance from 0 would call noise an improvement wherever a soft decoder
    leaves images smoother than photos, as the miniature's does. So a blurred image scores low too: what
    else it is, other metrics say.

    Args:
        images: N×H×W×3 uint8 sRGB.
        photos: M×H×W×3 uint8 of the same size.

    Returns:
        N float64: standard deviation of the noise in levels of 255, less the photos' mean.
    """
    return noise_level(images) - noise_level(photos).mean()


def noise_level(images: np.ndarray) -> np.ndarray:
    """Returns the standard deviation of each image's fine noise in levels of 255, N float64.

    It is the mean over the three channels of N×H×W×3 uint8 images.
    """
    levels = images.astype(np.float64)
    rows = levels[:, :-2] - 2 * levels[:, 1:-1] + levels[:, 2:]
    residual = rows[:, :, :-2] - 2 * rows[:, :, 1:-1] + rows[:, :, 2:]
    medians = np.median(np.abs(residual), axis=(1, 2))
    return medians.mean(axis=1) / (GAIN * MEDIAN_OF_NORMAL)
