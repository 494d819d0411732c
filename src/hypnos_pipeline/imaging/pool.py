"""The finite, seeded pool of one subject: originals, recoloured, recoloured and resized (method.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from hypnos_pipeline.imaging.colours import listed_colour, unit_colour
from hypnos_pipeline.imaging.compositing import composite, matte_box
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.pixels import pixel_sha256, resize_image, resize_plane, to_uint8, to_unit
from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.imaging.sheets import contact_sheet
from hypnos_pipeline.randomness import numpy_generator


def build_pool(
    photos: ImageSet,
    mattes: ImageSet,
    foregrounds: ImageSet,
    settings: AugmentationSettings,
    prompt_for: Callable[[str | None], str],
    seed: int,
) -> ImageSet:
    """Builds the pool. It holds no proportion: training draws kinds by its own probabilities.

    Args:
        photos: Working squares, S×S×3 uint8.
        mattes: S×S uint8, same names.
        foregrounds: S×S×3 uint8, same names.
        settings: Variants per photo, colours and scales.
        prompt_for: From a listed colour's name, or None for the original background, to the prompt.
        seed: The study's seed. What is drawn for a photo depends on its name and not on the other photos.

    Returns:
        Images named ``<photo>/<kind>[_NN]`` with rows ``{name, photo, kind, colour, scale, offset, prompt,
        sha256}``: kind is ``original``, ``recoloured`` or ``resized``; colour is null for originals; scale
        and offset (left, top of the scaled foreground's box, pixels) are null unless resized.
    """
    images: dict[str, np.ndarray] = {}
    rows: list[dict[str, Any]] = []

    def add(name: str, image: np.ndarray, background: str | None, **row: Any) -> None:
        images[name] = image
        row |= {"prompt": prompt_for(background), "sha256": pixel_sha256(image)}
        rows.append({"name": name, **row})

    for photo, image in photos.images.items():
        plain = {"photo": photo, "colour": None, "scale": None, "offset": None}
        add(f"{photo}/original", image, None, **plain | {"kind": "original"})
        alpha, foreground = to_unit(mattes.images[photo]), to_unit(foregrounds.images[photo])
        for index, colour in enumerate(
            drawn_colours(settings, settings.recoloured, seed, f"recoloured/{photo}")
        ):
            recoloured = recolour(foreground, alpha, colour)
            row = plain | {"kind": "recoloured", "colour": colour}
            add(f"{photo}/recoloured_{index:02d}", recoloured, colour, **row)
        for index, colour in enumerate(drawn_colours(settings, settings.resized, seed, f"resized/{photo}")):
            draw = numpy_generator(seed, f"augmentation/placement/{photo}", index)
            scale = draw.uniform(settings.smallest_scale, settings.largest_scale)
            moved, moved_alpha, placed = move(foregrounds.images[photo], alpha, scale, draw)
            row = plain | {"kind": "resized", "colour": colour} | placed
            add(f"{photo}/resized_{index:02d}", recolour(moved, moved_alpha, colour), colour, **row)
    return ImageSet(images, rows)


def drawn_colours(settings: AugmentationSettings, count: int, seed: int, stream: str) -> list[str]:
    """Draws listed colours without repeats until the list is used up, then anew.

    Raises:
        ValueError: For a configured colour that is not listed.
    """
    for name in settings.colours:
        listed_colour(name)
    colours: list[str] = []
    while len(colours) < count:
        draw = numpy_generator(seed, f"augmentation/colours/{stream}", len(colours))
        colours += [settings.colours[index] for index in draw.permutation(len(settings.colours))]
    return colours[:count]


def recolour(foreground: np.ndarray, alpha: np.ndarray, colour: str) -> np.ndarray:
    """Puts a foreground (H×W×3 float in [0, 1]) by its matte (H×W float in [0, 1]) on a listed colour.

    Returns:
        H×W×3 uint8; where the matte is 0 it is exactly the listed colour.
    """
    return to_uint8(composite(foreground, alpha, unit_colour(colour)))


def move(
    foreground: np.ndarray, alpha: np.ndarray, scale: float, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Scales a foreground and puts it at a drawn place, wholly in frame.

    A side at which the frame cuts the object off stays at that border, so that no straight cut floats in the
    picture. The scale is lowered where the object would not fit.

    Args:
        foreground: S×S×3 uint8.
        alpha: S×S float in [0, 1].
        scale: Factor on the foreground's size.
        draw: Generator of the offset.

    Returns:
        Moved foreground (S×S×3 float in [0, 1]), moved matte (S×S float in [0, 1]), and
        ``{scale, offset: [left, top]}`` as applied.
    """
    side = alpha.shape[0]
    left, top, right, bottom = matte_box(alpha) or (0, 0, side, side)
    scale = min(scale, side / max(right - left, bottom - top))
    width = min(side, max(1, round((right - left) * scale)))
    height = min(side, max(1, round((bottom - top) * scale)))
    across = _place(left, right, width, side, draw)
    down = _place(top, bottom, height, side, draw)
    moved = np.zeros((side, side, 3), dtype=np.float32)
    moved_alpha = np.zeros((side, side), dtype=np.float32)
    window = np.s_[down : down + height, across : across + width]
    moved[window] = to_unit(resize_image(foreground[top:bottom, left:right], width, height))
    moved_alpha[window] = resize_plane(alpha[top:bottom, left:right], width, height)
    return moved, moved_alpha, {"scale": round(float(scale), 6), "offset": [across, down]}


def _place(first: int, last: int, length: int, side: int, draw: np.random.Generator) -> int:
    """Draws where an interval of a length begins in [0, side], keeping a cut-off end at its border."""
    drawn = int(draw.integers(0, side - length + 1))
    if first == 0 and last < side:
        return 0
    if last == side and first > 0:
        return side - length
    return drawn


def pool_sheet(pool: ImageSet, fakes: ImageSet, columns: int = 14) -> Image.Image:
    """Draws the pool and the altered images, per photo one row of each, labelled by photo."""
    rows, labels = [], []
    for photo in dict.fromkeys(row["photo"] for row in pool.manifest):
        for label, images in (("real", pool), ("fake", fakes)):
            chosen = images.rows(photo=photo)
            rows.append([images.images[row["name"]] for row in _spread(chosen, columns)])
            labels.append(f"{photo} {label}")
    return contact_sheet(rows, labels, cell=96, title="Pool (real) and altered images (fake)")


def _spread(rows: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Takes at most ``limit`` rows, of every kind the first ones in turn, in the rows' order."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    by_kind = [[row for row in rows if row["kind"] == kind] for kind in kinds]
    turns = [group[turn] for turn in range(max(map(len, by_kind))) for group in by_kind if turn < len(group)]
    chosen = {id(row) for row in turns[:limit]}
    return [row for row in rows if id(row) in chosen]
