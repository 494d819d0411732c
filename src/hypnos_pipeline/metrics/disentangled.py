"""Whether a requested colour is where it was requested and not elsewhere (method.md §9; paper 4.1.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hypnos_pipeline.imaging.colours import listed_colour, srgb_to_lab

SHARE = 0.2
"""Of a region, how much is expected to have a requested colour: a wall is not the whole scene."""


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
        went to the wrong one. NaN where an image has no object or no surroundings by its matte.

    Raises:
        ValueError: If an image has no requested colour at all, or one that is not listed.
    """
    rows = zip(samples, sample_mattes, object_colours, scene_colours, strict=True)
    return np.array([_contrast(*row) for row in rows])


def _contrast(image: np.ndarray, matte: np.ndarray, of_object: Sequence[str], of_scene: str | None) -> float:
    requested = [(name, matte, 1 - matte) for name in of_object]
    requested += [(of_scene, 1 - matte, matte)] if of_scene else []
    if not requested:
        raise ValueError("disentangled: expected a colour requested of the object or of the scene")
    lab = srgb_to_lab(image.reshape(-1, 3))
    differences = [
        _distance(lab, wrong.ravel(), name) - _distance(lab, right.ravel(), name)
        for name, right, wrong in requested
    ]
    return float(np.mean(differences))


def _distance(lab: np.ndarray, weights: np.ndarray, colour: str) -> float:
    """Returns the mean CIEDE2000 to a colour of the nearest share of a region, whose pixels are weighted."""
    from skimage.color import deltaE_ciede2000

    region = weights > 0.5  # rims mix the colours of both sides
    if not region.any():
        return np.nan
    wanted = srgb_to_lab(np.array(listed_colour(colour)))
    nearest = np.sort(deltaE_ciede2000(wanted[None], lab[region]))
    return float(nearest[: max(1, round(SHARE * len(nearest)))].mean())
