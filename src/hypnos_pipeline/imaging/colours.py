"""The listed colours (method.md §3) and the distance between colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hypnos_pipeline.errors import nearest

# Plain values people mean by the names; no two are closer than ΔE 25, so a caption names one colour only.
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 34, 36),
    "orange": (246, 132, 30),
    "yellow": (246, 212, 46),
    "green": (36, 148, 54),
    "cyan": (52, 200, 212),
    "blue": (32, 76, 204),
    "purple": (128, 44, 176),
    "pink": (244, 132, 178),
    "white": (240, 240, 240),
    "black": (26, 26, 30),
    "grey": (128, 128, 128),
}
CLEARLY_UNLIKE = 25.0

_RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_D65 = _RGB_TO_XYZ.sum(axis=1)


def listed_colour(name: str) -> tuple[int, int, int]:
    """Returns the sRGB value (0–255) of a listed colour.

    Raises:
        ValueError: If the name is not listed; the message names the nearest and all that are.
    """
    if name not in COLOURS:
        raise ValueError(f"unknown colour {name!r}; {nearest(name, COLOURS)}")
    return COLOURS[name]


def unit_colour(name: str) -> np.ndarray:
    """Returns a listed colour as three float32 in [0, 1]."""
    return np.array(listed_colour(name), dtype=np.float32) / np.float32(255.0)


def srgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """Converts sRGB, …×3, 0–255, to CIELAB under D65 (IEC 61966-2-1, CIE 15).

    Returns:
        …×3 float64: L* in [0, 100], a* and b* about [-128, 128].
    """
    return light_to_lab(srgb_to_light(rgb))


def srgb_to_light(rgb: np.ndarray) -> np.ndarray:
    """Converts sRGB, …×3, 0–255, to linear light, …×3 float64 in [0, 1]: a shadow is a factor of it."""
    encoded = np.asarray(rgb, dtype=np.float64) / 255.0
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def light_to_srgb(light: np.ndarray) -> np.ndarray:
    """Converts linear light, …×3 in [0, 1], to sRGB, …×3 uint8."""
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0) ** (1 / 2.4) - 0.055)
    return (np.clip(encoded, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def light_to_lab(light: np.ndarray) -> np.ndarray:
    """Converts linear light, …×3 in [0, 1], to CIELAB as :func:`srgb_to_lab` does."""
    ratio = light @ _RGB_TO_XYZ.T / _D65
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def delta_e(rgb_a: np.typing.ArrayLike, rgb_b: np.typing.ArrayLike) -> np.ndarray:
    """Returns the CIE76 distance ΔE*ab of two sRGB colours or arrays of them, …×3, 0–255, broadcast.

    Returns:
        Float64 array of the leading shape (0-dim for two triples); about 2 is just noticeable.
    """
    difference = srgb_to_lab(np.asarray(rgb_a)) - srgb_to_lab(np.asarray(rgb_b))
    return np.sqrt((difference**2).sum(axis=-1))


def farthest(names: list[str], *references: np.typing.ArrayLike) -> str:
    """Returns the name whose colour is farthest from its nearest reference (0–255)."""
    return max(names, key=lambda name: _nearest_distance(name, references))


def unlike_or_farthest(names: list[str], *references: np.typing.ArrayLike) -> list[str]:
    """Returns the names of colours that are at least ``CLEARLY_UNLIKE`` in ΔE from every reference (0–255).

    Where none is, the :func:`farthest` name alone.
    """
    unlike = [name for name in names if _nearest_distance(name, references) >= CLEARLY_UNLIKE]
    return unlike or [farthest(names, *references)]


def _nearest_distance(name: str, references: Sequence[np.typing.ArrayLike]) -> float:
    return min(float(delta_e(listed_colour(name), reference)) for reference in references)
