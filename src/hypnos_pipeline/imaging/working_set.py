"""From raw photos to what the rest of the study sees: working squares, mattes and foreground colours."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hypnos_pipeline.imaging.colours import unit_colour
from hypnos_pipeline.imaging.compositing import composite
from hypnos_pipeline.imaging.foreground import estimate_foreground
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.mattes.choice import keep_photos
from hypnos_pipeline.imaging.mattes.estimate import estimate_mattes
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.pixels import to_unit
from hypnos_pipeline.imaging.settings import BackendSettings, BackgroundRemovalSettings
from hypnos_pipeline.imaging.sheets import contact_sheet
from hypnos_pipeline.imaging.square import central, cut_matte, cut_photo, find_square

logger = logging.getLogger(__name__)

EXCLUDED = "excluded"
"""Stands in the report where a photo's backend would."""


@dataclass(frozen=True)
class WorkingSet:
    """One subject's photos at working size.

    Attributes:
        photos: S×S×3 uint8 per photo.
        mattes: S×S uint8 per photo.
        foregrounds: S×S×3 uint8 per photo, colours freed of the background's.
        report: One row per matte (see ``mattes.guards.matte_row``), with the photo's ``frame`` (width,
            height) and the working ``square`` (left, top, side) in its pixels; then one row per excluded
            photo, whose ``backend`` is ``EXCLUDED``.
        excluded: The excluded photos, padded to S×S×3 uint8, to be shown and nothing else.
    """

    photos: ImageSet
    mattes: ImageSet
    foregrounds: ImageSet
    report: list[dict[str, Any]]
    excluded: dict[str, np.ndarray] = field(default_factory=dict)


def make_working_set(
    raw: RawPhotos,
    settings: BackgroundRemovalSettings,
    image_size: int,
    *,
    exclude: Collection[str] = (),
    mattes: Mapping[str, BackendSettings] | None = None,
    networks: Path | None = None,
) -> WorkingSet:
    """Removes backgrounds, cuts the same square from photo and matte, and frees the foreground's colours.

    The foreground is estimated at working size, from the very pixels it must recompose.

    Args:
        raw: Photos as taken.
        settings: Backend, crop and guards.
        image_size: Side S of the working square in pixels.
        exclude: Names of photos to leave out.
        mattes: Photo to a backend of its own.
        networks: The folder of the backends' networks.

    Raises:
        PhotoError: If ``exclude`` or ``mattes`` name a photo that is not there, if too few are left, or if
            the backend is ``provided`` and masks are missing.
    """
    kept = keep_photos(raw, exclude, mattes)
    alphas, report = estimate_mattes(kept, settings, mattes, networks)
    photos, cut, foregrounds, squares = {}, {}, {}, {}
    for name, photo in kept.photos.items():
        square = find_square(photo.width, photo.height, alphas[name], settings.crop, name)
        if square.side < image_size:
            text = "%s: its square of %d pixels is enlarged to the working size %d"
            logger.warning(text, name, square.side, image_size)
        photos[name] = cut_photo(photo, square, image_size)
        cut[name] = cut_matte(alphas[name], square, image_size)
        foregrounds[name] = estimate_foreground(photos[name], cut[name])
        squares[name] = {"frame": list(photo.size), "square": list(astuple(square))}
    rows = [{"name": name} for name in photos]
    report = [row | squares[row["photo"]] for row in report]
    excluded = {name: photo for name, photo in raw.photos.items() if name not in kept.photos}
    report += [
        {"photo": name, "backend": EXCLUDED, "problems": [], "frame": list(photo.size)}
        for name, photo in excluded.items()
    ]
    return WorkingSet(
        ImageSet(photos, rows),
        ImageSet(cut, rows),
        ImageSet(foregrounds, rows),
        report,
        {
            name: cut_photo(photo, central(*photo.size, max(photo.size)), image_size)
            for name, photo in excluded.items()
        },
    )


def matte_sheet(working: WorkingSet) -> Image.Image:
    """Draws photo, matte and cut-out on two colours, one row per photo, with the guards' findings.

    Excluded photos come last, with nothing beside them.
    """
    rows, labels = [], []
    for name, photo in working.photos.images.items():
        alpha, foreground = to_unit(working.mattes.images[name]), to_unit(working.foregrounds.images[name])
        cuts = [composite(foreground, alpha, unit_colour(colour)) for colour in ("purple", "white")]
        rows.append([photo, alpha, *cuts])
    rows += [[photo, None, None, None] for photo in working.excluded.values()]
    for row in working.report:
        if row["backend"] == EXCLUDED:
            labels.append(f"{row['photo']}\n{EXCLUDED}")
        else:
            found = [problem["what"] for problem in row["problems"]]
            labels.append("\n".join([row["photo"], f"{row['backend']} {row['area']:.0%}", *found]))
    return contact_sheet(rows, labels, ("photo", "matte", "on purple", "on white"), cell=160)
