"""Whether a requested colour is where it was requested and not elsewhere (method.md §9; paper 4.1.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hypnos_pipeline.imaging.colours import listed_colour, srgb_to_lab

SHARE = 0.2
"""Of a region, how much is expected to have a requested colour: a wall is not the whole scene."""
HALF = 0.5
"""A matte's value from which a pixel counts as the object's."""


def disentangled(
    samples: np.ndarray,
    sample_mattes: np.ndarray,
    object_colours: Sequence[Sequence[str]],
    scene_colours: Sequence[str | None],
) -> np.ndarray:
    """How much nearer a requested colour is where it was requested than in the rest of the image.

    The distance of a region to a colour is the mean CIEDE2000 of the fifth of its pixels that are nearest to
    it, so that walls count and the floor does not. A scene's colour is compared outside the matte with
    inside, an object's colours inside with outside; several colours are averaged.

    Args:
        samples: N×S×S×3 uint8.
        sample_mattes: N×S×S float32 in [0, 1].
        object_colours: Listed colours requested of each image's object; none where empty.
        scene_colours: The listed colour requested of each image's scene, or None.

    Returns:
        N float64 in ΔE, higher is better: 0 where object and scene have the colour alike, negative where it
        went to the wrong one. NaN for samples of which no colour is requested, or that by their matte have
        no object or no surroundings.
    """
    values = np.full(len(samples), np.nan)
    for row, (image, matte) in enumerate(zip(samples, sample_mattes, strict=True)):
        inside = matte > HALF
        requested = [(name, inside) for name in object_colours[row]]
        if scene := scene_colours[row]:
            requested.append((scene, ~inside))
        if requested and inside.any() and not inside.all():
            lab = srgb_to_lab(image)
            values[row] = np.mean([_contrast(lab, region, name) for name, region in requested])
    return values


def _contrast(lab: np.ndarray, region: np.ndarray, colour: str) -> float:
    """Returns how much farther a colour is from the rest of an image, S×S×3 CIELAB, than from a region."""
    from skimage.color import deltaE_ciede2000

    distances = deltaE_ciede2000(srgb_to_lab(np.array(listed_colour(colour)))[None, None], lab)
    return _nearest_share(distances[~region]) - _nearest_share(distances[region])


def _nearest_share(distances: np.ndarray) -> float:
    return float(np.sort(distances)[: max(1, round(SHARE * len(distances)))].mean())
