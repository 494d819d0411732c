"""Foreground colours freed of the background's, which shines through soft matte edges (method.md §2)."""

from __future__ import annotations

import numpy as np

from hypnos_pipeline.imaging.pixels import to_uint8, to_unit
from hypnos_pipeline.imaging.pymatting_parts import pymatting_part


def estimate_foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Estimates F of I = αF + (1 − α)B by the multi-level method (Germer et al. 2020, pymatting).

    Returns:
        H×W×3 uint8, as the image; the matte is H×W uint8. Where it is opaque, F is the photo itself; where it
        is clear, the nearest foreground's colours, so that a resized matte never meets the old background.
    """
    multi_level = pymatting_part("foreground.estimate_foreground_ml").estimate_foreground_ml
    estimate = np.asarray(multi_level(to_unit(image), to_unit(alpha)))
    return np.where((alpha == 255)[..., None], image, to_uint8(estimate))
