"""What is known of the photos' foregrounds: true masks taken through the same square as their photos.

They serve the comparison of generated images with true cut-outs (method.md §9) and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.imaging.colour_management import to_grey_unit
from hypnos_pipeline.imaging.foreground import estimate_foreground
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.photo_files import photo_name
from hypnos_pipeline.imaging.photos import size_problem
from hypnos_pipeline.imaging.square import Square, cut_matte

KNOWN, OWN = "known masks", "the stage's own mattes"
"""Where a true matte comes from, as the manifest and the reports have it."""


def true_cut_outs(
    photos: ImageSet,
    mattes: ImageSet,
    foregrounds: ImageSet,
    report: Iterable[Mapping[str, Any]],
    folder: Path | None,
) -> tuple[ImageSet, ImageSet]:
    """Returns the mattes and foreground colours that generated images are compared with.

    Args:
        photos: Working photos, S×S×3 uint8.
        mattes: Background removal's own, S×S uint8.
        foregrounds: Its own, S×S×3 uint8.
        report: A row for each photo with ``photo``, ``frame`` (width, height) and ``square`` (left, top,
            side), see ``working_set.WorkingSet``.
        folder: Holds ``<photo>.png``, each of the upright raw photo's size; None where nothing is known, so
            that the stage's own stand for the truth.

    Returns:
        Mattes and foregrounds as those given, with ``source`` in their manifest rows.

    Raises:
        PhotoError: Naming every mask that is missing, unreadable or of another size than its photo.
    """
    if folder is None:
        rows = [{"name": name, "source": OWN} for name in photos.images]
        return ImageSet(mattes.images, rows), ImageSet(foregrounds.images, rows)
    used = [row for row in report if "square" in row]  # not the excluded
    masks = read_true_masks(folder, {row["photo"]: tuple(row["frame"]) for row in used})
    squares = {row["photo"]: Square(*row["square"]) for row in used}
    known, freed = {}, {}
    for name, photo in photos.images.items():
        known[name] = cut_matte(masks[name], squares[name], photo.shape[0])
        freed[name] = estimate_foreground(photo, known[name])
    rows = [{"name": name, "source": KNOWN} for name in known]
    return ImageSet(known, rows), ImageSet(freed, rows)


def read_true_masks(
    folder: Path, frames: Mapping[str, tuple[int, int]], key: str = "true_masks"
) -> dict[str, np.ndarray]:
    """Reads ``<photo>.png`` of each photo.

    Args:
        folder: Holds them.
        frames: Photo to its width and height, upright.
        key: The subject's that names the folder, for messages.

    Returns:
        Photo to its mask, H×W float32 in [0, 1].

    Raises:
        PhotoError: Naming every mask that is missing, unreadable or of another size than its photo.
    """
    masks, wrong = {}, []
    files = {photo_name(file.stem): file for file in folder.glob("*.png")}
    for name, frame in frames.items():
        file = files.get(name, folder / f"{name}.png")
        try:
            with Image.open(file) as image:
                masks[name] = to_grey_unit(image)
        except FileNotFoundError:
            wrong.append((file.name, ("no true mask of this photo", f"add it or leave out {key}")))
        except (OSError, SyntaxError, ValueError) as error:
            wrong.append((file.name, (f"cannot be read ({error})", "copy the file again")))
        else:
            if problem := size_problem(masks[name], frame):
                wrong.append((file.name, problem))
    if wrong:
        where = f"{shown(folder)} ({key})"
        raise PhotoError(Problem(where, f"{file}: {what}", fix) for file, (what, fix) in wrong)
    return masks
