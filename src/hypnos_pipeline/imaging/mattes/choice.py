"""What a subject's keys ``exclude`` and ``mattes`` choose: photos left out, backends of single photos."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from hypnos_pipeline.errors import PhotoError, Problem, nearest
from hypnos_pipeline.imaging.photos import FEWEST, MORE_PHOTOS, RawPhotos
from hypnos_pipeline.imaging.settings import BackendSettings

SUBJECT = "the subject's photos"
"""Where a problem lies, for those who know the photos but not their folder."""


def keep_photos(
    raw: RawPhotos, exclude: Collection[str], mattes: Mapping[str, BackendSettings] | None = None
) -> RawPhotos:
    """Leaves out the excluded photos of a folder, and their masks; of ``mattes`` the names alone are checked.

    Raises:
        PhotoError: Naming every unknown photo, and too few that are left.
    """
    if problems := list(choice_problems(raw.photos, exclude, mattes or {}, SUBJECT)):
        raise PhotoError(problems)
    photos, masks, alphas = (_without(pictures, exclude) for pictures in (raw.photos, raw.masks, raw.alphas))
    return RawPhotos(photos, masks, alphas, raw.warnings)


def _without(pictures: Mapping[str, Any], exclude: Collection[str]) -> dict[str, Any]:
    return {name: picture for name, picture in pictures.items() if name not in exclude}


def choice_problems(
    photos: Collection[str], exclude: Collection[str], mattes: Iterable[str], where: str, key: str = ""
) -> Iterator[Problem]:
    """Yields what is wrong with a subject's keys ``exclude`` and ``mattes``.

    Args:
        photos: The photos' names.
        exclude: As the subject has it.
        mattes: The photos that have a backend of their own.
        where: Where the photos are, as messages show it.
        key: What the subject's keys begin with, e.g. ``subjects.mug.``.
    """
    for name, chosen in (("exclude", exclude), ("mattes", mattes)):
        for photo in chosen:
            if photo not in photos:
                yield Problem(where, f"{key}{name}: no photo {photo!r}", nearest(photo, photos))
    left = sum(name not in exclude for name in photos)
    if left < FEWEST and exclude:
        what = f"{key}exclude: leaves {left} photos, fewer than {FEWEST}"
        yield Problem(where, what, f"exclude fewer, or {MORE_PHOTOS}")
