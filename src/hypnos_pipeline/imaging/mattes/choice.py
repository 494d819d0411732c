"""What a subject says of single photos: which are left out, and which have a backend of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from hypnos_pipeline.imaging.photos import FEWEST, PhotoError, PhotoFault, RawPhotos
from hypnos_pipeline.imaging.settings import BackendSettings


def keep_photos(
    raw: RawPhotos, exclude: Collection[str], mattes: Mapping[str, BackendSettings] | None = None
) -> RawPhotos:
    """Leaves out the excluded photos and their masks.

    Args:
        raw: All photos of the folder, which other subjects may share.
        exclude: Names of photos.
        mattes: Photo's name to its own backend, checked here for its names alone.

    Raises:
        PhotoError: Naming every unknown photo, and too few that are left.
    """
    faults = list(choice_faults(raw.photos, exclude, mattes or {}))
    if faults:
        raise PhotoError("the subject's folder", faults)
    return RawPhotos(
        {name: photo for name, photo in raw.photos.items() if name not in exclude},
        {name: mask for name, mask in raw.masks.items() if name not in exclude},
    )


def choice_faults(
    photos: Collection[str], exclude: Collection[str], mattes: Iterable[str]
) -> Iterator[PhotoFault]:
    """Yields what is wrong with a subject's keys ``exclude`` and ``mattes``, given the photos' names."""
    known = f"expected some of {', '.join(photos)}"
    for key, names in (("exclude", exclude), ("mattes", mattes)):
        for name in names:
            if name not in photos:
                yield PhotoFault(key, f"no photo {name!r}", known)
    left = sum(name not in exclude for name in photos)
    if left < FEWEST and exclude:
        mend = "exclude fewer, or add photos of the same object (3 to 5 work best)"
        yield PhotoFault("exclude", f"leaves {left} photos, fewer than {FEWEST}", mend)
