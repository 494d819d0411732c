"""The world's colour names and their sRGB values."""

from __future__ import annotations

COLORS: dict[str, tuple[int, int, int]] = {
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
}
COLOR_NAMES: tuple[str, ...] = tuple(COLORS)


def unit_rgb(name: str) -> tuple[float, float, float]:
    """Returns a colour's sRGB triple in [0, 1]."""
    red, green, blue = COLORS[name]
    return red / 255.0, green / 255.0, blue / 255.0
