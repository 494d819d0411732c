"""From raw photos to what the rest of the study sees: working squares, mattes and foreground colours."""

from __future__ import annotations

import logging
from dataclasses import astuple, dataclass
from typing import Any

from PIL import Image

from hypnos_pipeline.imaging.colours import unit_colour
from hypnos_pipeline.imaging.compositing import composite
from hypnos_pipeline.imaging.foreground import estimate_foreground
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.pixels import to_unit
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.imaging.sheets import contact_sheet
from hypnos_pipeline.imaging.square import cut_matte, cut_photo, find_square

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkingSet:
    """One subject's photos at working size.

    Attributes:
        photos: S×S×3 uint8 per photo.
        mattes: S×S uint8 per photo.
        foregrounds: S×S×3 uint8 per photo, colours freed of the background's.
        report: One row per matte (see ``mattes.guards.matte_row``), with the photo's ``frame`` (width,
            height) and the working ``square`` (left, top, side) in its pixels.
    """

    photos: ImageSet
    mattes: ImageSet
    foregrounds: ImageSet
    report: list[dict[str, Any]]


def make_working_set(raw: RawPhotos, settings: BackgroundRemovalSettings, image_size: int) -> WorkingSet:
    """Removes backgrounds, cuts the same square from photo and matte, and frees the foreground's colours.

    The foreground is estimated at working size, from the very pixels it must recompose.

    Args:
        raw: Photos as taken.
        settings: Backend, crop and guards.
        image_size: Side S of the working square in pixels.
    """
    alphas, report = estimate_mattes(raw, settings)
    photos, mattes, foregrounds, squares = {}, {}, {}, {}
    for name, photo in raw.photos.items():
        square = find_square(photo.width, photo.height, alphas[name], settings.crop, name)
        if square.side < image_size:
            logger.warning(
                "%s: its square of %d pixels is enlarged to the working size %d",
                name,
                square.side,
                image_size,
            )
        photos[name] = cut_photo(photo, square, image_size)
        mattes[name] = cut_matte(alphas[name], square, image_size)
        foregrounds[name] = estimate_foreground(photos[name], mattes[name])
        squares[name] = {"frame": list(photo.size), "square": list(astuple(square))}
    rows = [{"name": name} for name in photos]
    report = [row | squares[row["photo"]] for row in report]
    return WorkingSet(ImageSet(photos, rows), ImageSet(mattes, rows), ImageSet(foregrounds, rows), report)


def matte_sheet(working: WorkingSet) -> Image.Image:
    """Draws photo, matte and cut-out on two colours, one row per photo, with the guards' findings."""
    rows, labels = [], []
    for name, photo in working.photos.images.items():
        alpha, foreground = to_unit(working.mattes.images[name]), to_unit(working.foregrounds.images[name])
        cuts = [composite(foreground, alpha, unit_colour(colour)) for colour in ("purple", "white")]
        rows.append([photo, alpha, *cuts])
    for row in working.report:
        labels.append("\n".join([row["photo"], f"{row['backend']} {row['area']:.0%}", *row["faults"]]))
    return contact_sheet(rows, labels, ("photo", "matte", "on purple", "on white"), cell=160)
