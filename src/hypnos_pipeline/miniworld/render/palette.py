"""The world's colour names and their sRGB values."""

from __future__ import annotations

from hypnos_pipeline.imaging.colours import COLOURS

# Grey is the method's filling for masked foregrounds, not a colour of this world.
COLORS: dict[str, tuple[int, int, int]] = {name: rgb for name, rgb in COLOURS.items() if name != "grey"}
COLOR_NAMES: tuple[str, ...] = tuple(COLORS)


def unit_rgb(name: str) -> tuple[float, float, float]:
    """Returns a colour's sRGB triple in [0, 1]."""
    red, green, blue = COLORS[name]
    return red / 255.0, green / 255.0, blue / 255.0
