"""The node of background removal (method.md §1, §2)."""

from __future__ import annotations

from typing import Any

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings


def remove_background(
    photos: RawPhotos, background_removal: BackgroundRemovalSettings, image_size: int
) -> tuple[ImageSet, ImageSet, ImageSet, list[dict[str, Any]], Image.Image]:
    """Returns working photos, mattes, foregrounds, one report row per matte, and the contact sheet."""
    from hypnos_pipeline.imaging.working_set import make_working_set, matte_sheet

    working = make_working_set(photos, background_removal, image_size)
    return working.photos, working.mattes, working.foregrounds, working.report, matte_sheet(working)
