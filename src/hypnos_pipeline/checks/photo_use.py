"""What subjects make of photos: which they leave out, what makes the others' mattes, what is known of them.

The part of the check before a run that needs the photos and the networks of background removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.imaging.mattes.weights import NETWORKS
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.study.parts import SoundParts

if TYPE_CHECKING:
    from hypnos_pipeline.errors import PhotoError
    from hypnos_pipeline.imaging.photos import RawPhotos
    from hypnos_pipeline.imaging.settings import BackendSettings

Faults = dict[str, list[str]]

_ANYBODY = SubjectSettings(noun="object")


def users_of(
    owner: str, parts: SoundParts, subjects: Iterable[str] | None = None
) -> dict[str, SubjectSettings]:
    """Returns the subjects that use one subject's photos.

    Args:
        owner: Whose photos they are.
        parts: The study.
        subjects: Those that count; all if not given.
    """
    return {
        name: subject
        for name, subject in parts.subjects.items()
        if (subject.photos or name) == owner and (subjects is None or name in subjects)
    }


def use_faults(
    raw: RawPhotos,
    place: str,
    users: Mapping[str, SubjectSettings],
    parts: SoundParts,
    true_masks: Iterable[Path] = (),
) -> Faults:
    """Checks photos for those who use them.

    Args:
        raw: All photos and masks of a folder.
        place: Where to look for them.
        users: The subjects; with none, all photos count and the study's backend makes their mattes.
        parts: The study.
        true_masks: Folders of true masks; one for each photo that is not excluded.
    """
    from hypnos_pipeline.imaging.mattes.choice import choice_problems

    known = users or {"": _ANYBODY}
    lines = [
        str(problem)
        for name, subject in known.items()
        for problem in choice_problems(
            raw.photos, subject.exclude, subject.mattes, place, f"subjects.{name}."
        )
    ]
    asked: dict[str, tuple[str, BackendSettings]] = {}
    for photo, key, chosen in _without_mask(raw, known, parts):
        if chosen.backend == "provided":
            lines.append(f"{photo}: has no mask; add masks/{photo}.png or change {key}.backend")
        asked.setdefault(f"{chosen.backend} {sorted(chosen.options.items())}", (key, chosen))
    networks = Path(parts.models["matting"].folder) if "matting" in parts.models else Path()
    found = {place: list(dict.fromkeys(lines))}
    if hindered := [fault for key, each in asked.values() for fault in _backend_faults(key, each, networks)]:
        found[NETWORKS] = hindered
    for folder in true_masks:
        judged = [each for each in known.values() if each.true_masks == folder.parent.name] or [_ANYBODY]
        used = {
            name: photo
            for name, photo in raw.photos.items()
            if any(name not in each.exclude for each in judged)
        }
        found |= true_mask_faults(replace(raw, photos=used), [folder])
    return found


def _without_mask(
    raw: RawPhotos, users: Mapping[str, SubjectSettings], parts: SoundParts
) -> Iterator[tuple[str, str, BackendSettings]]:
    """Yields the photos that a backend must cut out, the key that names the backend, and the backend."""
    settings = parts.sections.get("background_removal")
    for name, subject in users.items():
        for photo in raw.photos:
            if photo in subject.exclude or photo in raw.masks:
                continue
            if photo in subject.mattes:
                yield photo, f"subjects.{name}.mattes.{photo}", subject.mattes[photo]
            elif settings is not None:
                yield photo, "background_removal", settings


def _backend_faults(key: str, chosen: BackendSettings, networks: Path) -> list[str]:
    from hypnos_pipeline.imaging.mattes.registry import find_backend

    try:
        backend = find_backend(chosen.backend, chosen.options, networks)
    except (ValueError, ImportError):  # told of the configuration
        return []
    return [f"{key}: {problem}" for problem in backend.problems()]


def true_mask_faults(raw: RawPhotos, folders: Iterable[Path]) -> Faults:
    """Reads true masks: one for each photo, in its size."""
    from hypnos_pipeline.errors import PhotoError
    from hypnos_pipeline.imaging.true_masks import read_true_masks

    found: Faults = {}
    for folder in folders:
        place = f"{shown(folder)} (true_masks)"
        if not folder.is_dir():
            found[place] = ["no such folder; put a mask of every photo there, or leave out true_masks"]
            continue
        try:
            read_true_masks(folder, {name: photo.size for name, photo in raw.photos.items()})
        except PhotoError as error:
            found |= told_by(error)
    return found


def told_by(error: PhotoError) -> Faults:
    """Returns the faults that an error lists."""
    found: Faults = {}
    for problem in error.problems:
        found.setdefault(problem.where, []).append(str(problem))
    return found
