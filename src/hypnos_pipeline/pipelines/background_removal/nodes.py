"""Nodes of background removal (method.md §1, §2) and of the truth it can be held against (§9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.prompting.settings import SubjectSettings


def remove_background(
    photos: RawPhotos,
    subject: SubjectSettings,
    background_removal: BackgroundRemovalSettings,
    matting: ModelReference,
    image_size: int,
) -> tuple[ImageSet, ImageSet, ImageSet, list[dict[str, Any]], Image.Image]:
    """Returns working photos, mattes, foregrounds, one report row per photo, and the contact sheet.

    Args:
        photos: Whoever's they are; those that the subject excludes go no further.
        subject: Says which, and which photos have a backend of their own.
        background_removal: The backend of all others.
        matting: The folder of the backends' networks.
        image_size: Side of the working square in pixels.
    """
    from hypnos_pipeline.imaging.working_set import make_working_set, matte_sheet

    working = make_working_set(
        photos,
        background_removal,
        image_size,
        exclude=subject.exclude,
        mattes=subject.mattes,
        networks=Path(matting.folder),
    )
    return working.photos, working.mattes, working.foregrounds, working.report, matte_sheet(working)


def cut_truth(
    working_photos: ImageSet,
    mattes: ImageSet,
    foregrounds: ImageSet,
    matte_report: list,
    truth: Path,
    subject: SubjectSettings,
) -> tuple[ImageSet, ImageSet]:
    """Returns the true mattes and foregrounds that the evaluation alone reads.

    Args:
        working_photos: The subject's.
        mattes: Those of the stage, which stand for the truth where no masks are known.
        foregrounds: Those of the stage.
        matte_report: Where each photo's working square lies.
        truth: Holds ``<true_masks>/masks/<photo>.png``.
        subject: Names its ``true_masks``, if any.
    """
    from hypnos_pipeline.imaging.true_masks import true_cut_outs

    folder = truth / subject.true_masks / "masks" if subject.true_masks else None
    return true_cut_outs(working_photos, mattes, foregrounds, matte_report, folder)


def read_unseen_views(truth: Path, subject: SubjectSettings, image_size: int) -> ImageSet:
    """Returns the subject's unseen views as working squares, which the evaluation alone reads; often none.

    Args:
        truth: Holds ``<unseen>/unseen`` and ``<unseen>/unseen_masks``.
        subject: Names its ``unseen``, if any.
        image_size: Side of the squares in pixels.
    """
    from hypnos_pipeline.imaging.unseen import read_unseen

    return read_unseen(truth / subject.unseen, image_size) if subject.unseen else ImageSet({})
