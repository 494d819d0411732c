"""Views of a subject that nothing learns from: what generated images are compared with (method.md §9)."""

from __future__ import annotations

from pathlib import Path

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
        folder: Holds ``unseen/<view>.jpg`` (or another format) and ``unseen_masks/<view>.png``.
        image_size: Side of the squares in pixels.

    Raises:
        PhotoError: Naming every view or mask that is missing, unreadable or of another size.
    """
    if not (folder / "unseen").is_dir():
        what, fix = "no such folder", f"put further photos of the subject there, or leave out {KEY}"
        raise PhotoError([Problem(f"{shown(folder / 'unseen')} ({KEY})", what, fix)])
    views = read_pictures(folder / "unseen")
    sizes = {name: view.size for name, view in views.items()}
    masks = read_true_masks(folder / "unseen_masks", sizes, KEY)
    squares = {
        name: cut_photo(view, find_square(*view.size, masks[name], "matte", name), image_size)
        for name, view in views.items()
    }
    return ImageSet(squares, [{"name": name} for name in squares])
