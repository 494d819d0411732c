"""The node of augmentation (method.md §3, §6)."""

from __future__ import annotations

from functools import partial

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.prompting.templates import pool_prompt


def augment(
    working_photos: ImageSet,
    mattes: ImageSet,
    foregrounds: ImageSet,
    augmentation: AugmentationSettings,
    subject: SubjectSettings,
    seed: int,
) -> tuple[ImageSet, ImageSet, Image.Image]:
    """Returns the pool, Table 3's altered images, and a contact sheet of both."""
    from hypnos_pipeline.imaging.fakes import build_fakes
    from hypnos_pipeline.imaging.pool import build_pool, pool_sheet

    prompt_for = partial(pool_prompt, subject)
    real = build_pool(working_photos, mattes, foregrounds, augmentation, prompt_for, seed)
    fakes = build_fakes(working_photos, mattes, foregrounds, augmentation, seed)
    return real, fakes, pool_sheet(real, fakes)
