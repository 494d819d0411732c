"""Views of a subject that nothing learns from: what generated images are compared with (method.md §9)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.photos import read_pictures
from hypnos_pipeline.imaging.square import cut_photo, find_square
from hypnos_pipeline.imaging.true_masks import read_true_masks

KEY = "unseen"
"""The subject's, which names the folder."""


def read_unseen(folder: Path, image_size: int) -> ImageSet:
    """Reads views as working squares, each cut round its mask's box.

    Args:
        folder: See :func:`read_views`.
        image_size: Side of the squares in pixels.

    Raises:
        PhotoError: See :func:`read_views`.
    """
    squares = {
        name: cut_photo(view, find_square(*view.size, mask, "matte", name), image_size)
        for name, (view, mask) in read_views(folder).items()
    }
    return ImageSet(squares, [{"name": name} for name in squares])


def read_views(folder: Path) -> dict[str, tuple[Image.Image, np.ndarray]]:
    """Reads views as they were taken, each with its mask (H×W float32 in [0, 1]), by name.

    Args:
        folder: Holds ``unseen/<view>.jpg`` (or another format) and ``unseen_masks/<view>.png``.

    Raises:
        PhotoError: Naming every view or mask that is missing, unreadable or of another size.
    """
    views_folder, masks_folder = view_folders(folder)
    if not views_folder.is_dir():
        what, fix = "no such folder", f"put further photos of the subject there, or leave out {KEY}"
        raise PhotoError([Problem(f"{shown(views_folder)} ({KEY})", what, fix)])
    views = read_pictures(views_folder)
    masks = read_true_masks(masks_folder, {name: view.size for name, view in views.items()}, KEY)
    return {name: (view, masks[name]) for name, view in views.items()}


def view_folders(folder: Path) -> tuple[Path, Path]:
    """Returns where the views and their masks are in a subject's folder."""
    return folder / "unseen", folder / "unseen_masks"
