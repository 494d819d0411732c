"""Compositing on soft mattes, in sRGB as the method has it (method.md §3, §6).

All images here are float in [0, 1], H×W×3; mattes are float in [0, 1], H×W; a colour may stand for an image.
"""

from __future__ import annotations

import numpy as np

# Below this mean of |1 − 2F| an object is about its own negative (method.md §6).
OWN_NEGATIVE = 0.15
LIGHTNESS_SHIFT = 0.35


def composite(foreground: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Returns αF + (1 − α)B; a colour as foreground fills the foreground's shape."""
    weight = alpha[..., None]
    return weight * foreground + (1.0 - weight) * background


def recovered_background(image: np.ndarray, foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns the background B that solves I = αF + (1 − α)B, clipped to [0, 1]; where α is 1, it is I."""
    weight = alpha[..., None]
    seen = 1.0 - weight > 1e-6
    background = (image - weight * foreground) / np.where(seen, 1.0 - weight, 1.0)
    return np.clip(np.where(seen, background, image), 0.0, 1.0)


def negative(image: np.ndarray, foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns I + α(1 − 2F), clipped: the same picture with the foreground's colours negated."""
    return np.clip(image + alpha[..., None] * (1.0 - 2.0 * foreground), 0.0, 1.0)


def is_own_negative(foreground: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether the mean of |1 − 2F| under the matte is below ``OWN_NEGATIVE``, as for a mid-grey object."""
    total = float(alpha.sum())
    if total == 0.0:
        return False
    return float((np.abs(1.0 - 2.0 * foreground).mean(axis=-1) * alpha).sum()) / total < OWN_NEGATIVE


def opposed(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns F with hue turned by 180° and lightness shifted, a grey object's stand-in for 1−F.

    The HSL complement of a colour is max + min − c in each channel, which keeps saturation and lightness.
    The shift is towards the side with more room under the matte, so that it is never clipped away.
    """
    extremes = foreground.max(axis=-1, keepdims=True) + foreground.min(axis=-1, keepdims=True)
    lightness = float((extremes[..., 0] / 2 * alpha).sum() / max(float(alpha.sum()), 1e-6))
    shift = LIGHTNESS_SHIFT if lightness < 0.5 else -LIGHTNESS_SHIFT
    return np.clip(extremes - foreground + shift, 0.0, 1.0)


def replaced(image: np.ndarray, foreground: np.ndarray, alpha: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """Returns I + α(F′ − F), clipped: the foreground's colours replaced, the background untouched."""
    return np.clip(image + alpha[..., None] * (instead - foreground), 0.0, 1.0)


def matte_box(alpha: np.ndarray, threshold: float = 1 / 512) -> tuple[int, int, int, int] | None:
    """Returns (left, top, right, bottom) of alpha over a threshold, the last two exclusive; None if empty."""
    rows = np.flatnonzero((alpha > threshold).any(axis=1))
    columns = np.flatnonzero((alpha > threshold).any(axis=0))
    if rows.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
