"""The node of augmentation (method.md §3, §6)."""

from __future__ import annotations

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.prompting.settings import SubjectSettings


def build_pool(
    working_photos: ImageSet,
    mattes: ImageSet,
    foregrounds: ImageSet,
    augmentation: AugmentationSettings,
    subject: SubjectSettings,
    seed: int,
) -> tuple[ImageSet, ImageSet, Image.Image]:
    """Returns the pool, Table 3's altered images, and a contact sheet of both."""
    from hypnos_pipeline.imaging import alterations, pool

    real = pool.build_pool(working_photos, mattes, foregrounds, augmentation, subject, seed)
    fakes = alterations.build_fakes(working_photos, mattes, foregrounds, augmentation, seed)
    return real, fakes, pool.pool_sheet(real, fakes)
