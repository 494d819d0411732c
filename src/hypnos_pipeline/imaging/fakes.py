"""Table 3's altered images: the fakes made of the subject's own photos (method.md §6; paper 0.B.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hypnos_pipeline.imaging.colours import farthest, listed_colour, unit_colour, unlike_or_farthest
from hypnos_pipeline.imaging.compositing import (
    composite,
    is_own_negative,
    negative,
    opposed,
    recovered_background,
    replaced,
)
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.pixels import pixel_sha256, to_uint8, to_unit
from hypnos_pipeline.imaging.pool import drawn_colours
from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.randomness import numpy_generator

OWN_NEGATIVE_REMARK = "about its own negative: hue turned by 180° and lightness shifted instead"
GREY_ON_GREY_REMARK = "mid-grey is the object's own colour: filled with {fill} instead"


def build_fakes(
    photos: ImageSet, mattes: ImageSet, foregrounds: ImageSet, settings: AugmentationSettings, seed: int
) -> ImageSet:
    """Builds the altered images of Table 3.

    Each photo gives one ``negative`` and one ``masked`` (over the original background nothing is drawn, so
    more would be copies) and ``settings.altered`` each of ``coloured_negative`` and ``coloured_masked``.

    Args:
        photos: Working squares, S×S×3 uint8.
        mattes: S×S uint8, same names.
        foregrounds: S×S×3 uint8, same names.
        settings: Number of variants and colours.
        seed: The study's seed.

    Returns:
        Images named ``<photo>/<kind>_NN`` with rows ``{name, photo, kind, colour, fill, sha256, remark}``:
        colour is the monotone background's, fill the mask's; null where there is none. Remark names the
        exception where the rule could not be kept, else it is empty.
    """
    images: dict[str, np.ndarray] = {}
    rows: list[dict[str, Any]] = []
    for photo in photos.images:
        image, alpha = to_unit(photos.images[photo]), to_unit(mattes.images[photo])
        foreground = to_unit(foregrounds.images[photo])
        for kind, index, altered, row in _altered(photo, image, alpha, foreground, settings, seed):
            name = f"{photo}/{kind}_{index:02d}"
            images[name] = to_uint8(altered)
            rows.append(
                {"name": name, "photo": photo, "kind": kind, "colour": None, "fill": None}
                | {"sha256": pixel_sha256(images[name]), "remark": ""}
                | row
            )
    return ImageSet(images, rows)


def negate(image: np.ndarray, foreground: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, str]:
    """Negates the foreground of a picture, or opposes it where it is about its own negative.

    Image and foreground are S×S×3, the matte S×S, float in [0, 1]; the background may be any.

    Returns:
        The altered picture and a remark, empty for a plain negative.
    """
    if is_own_negative(foreground, alpha):
        return replaced(image, foreground, alpha, opposed(foreground, alpha)), OWN_NEGATIVE_REMARK
    return negative(image, foreground, alpha), ""


def _altered(
    photo: str,
    image: np.ndarray,
    alpha: np.ndarray,
    foreground: np.ndarray,
    settings: AugmentationSettings,
    seed: int,
) -> Iterator[tuple[str, int, np.ndarray, dict[str, Any]]]:
    """Yields (kind, index, altered image, row) for one photo."""
    subject_colour = _mean_colour(foreground, alpha)
    altered, remark = negate(image, foreground, alpha)
    yield "negative", 0, altered, {"remark": remark}

    fill, remark = "grey", ""
    if is_own_negative(foreground, alpha):
        fill = farthest(settings.colours, subject_colour)
        remark = GREY_ON_GREY_REMARK.format(fill=fill)
    background = recovered_background(image, foreground, alpha)
    yield "masked", 0, composite(unit_colour(fill), alpha, background), {"fill": fill, "remark": remark}

    for index, colour in enumerate(drawn_colours(settings, settings.altered, seed, f"negative/{photo}")):
        coloured = composite(foreground, alpha, unit_colour(colour))
        altered, remark = negate(coloured, foreground, alpha)
        yield "coloured_negative", index, altered, {"colour": colour, "remark": remark}

    for index, colour in enumerate(drawn_colours(settings, settings.altered, seed, f"masked/{photo}")):
        # Unlike the background, or the mask would be unseen; unlike the subject, or it would teach that the
        # subject's own colour is false.
        fills = unlike_or_farthest(settings.colours, listed_colour(colour), subject_colour)
        draw = numpy_generator(seed, f"augmentation/fill/{photo}", index)
        fill = fills[int(draw.integers(len(fills)))]
        coloured = composite(unit_colour(fill), alpha, unit_colour(colour))
        yield "coloured_masked", index, coloured, {"colour": colour, "fill": fill}


def _mean_colour(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns the mean colour (0–255) of the foreground under the matte."""
    total = max(float(alpha.sum()), 1e-6)
    return (foreground * alpha[..., None]).sum(axis=(0, 1)) / total * 255.0
