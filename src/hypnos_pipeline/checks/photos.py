"""Photos: whether they can be read, what makes their mattes, and what is known of them beside.

A folder of photos serves every subject whose key ``photos`` names it. Each may leave photos out, or have
single mattes made by other backends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.checks.read_once import ReadOnce
from hypnos_pipeline.configuration.messages import shown
from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.models.reference import is_present
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.study.parts import ValidParts

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.photos import PhotoOutline
    from hypnos_pipeline.imaging.settings import BackendSettings

NETWORKS = "networks of background removal"
_ANY_SUBJECT = SubjectSettings(noun="object")


def users_of(
    owner: str, parts: ValidParts, subjects: Iterable[str] | None = None
) -> dict[str, SubjectSettings]:
    """Returns the subjects that use one subject's photos.

    Args:
        owner: Whose photos they are.
        parts: The study.
        subjects: Those that count; all if not given.
    """
    using = parts.users_of_photos.get(owner, {})
    return {name: subject for name, subject in using.items() if subjects is None or name in subjects}


def photo_problems(
    folder: Path,
    parts: ValidParts,
    truth: Path | None = None,
    subjects: Iterable[str] | None = None,
    known: ReadOnce | None = None,
) -> list[Problem]:
    """Reads one subject's photos and masks, and checks them for the subjects that use them.

    Args:
        folder: Holds the photos; its name is the subject's whose they are.
        parts: The study.
        truth: Holds ``<true_masks>/masks/<photo>.png`` and ``<unseen>/unseen``; not checked if not given.
        subjects: Those that count; all if not given.
        known: What was read before; everything is read if not given.
    """
    known = known or ReadOnce()
    try:
        outline = known.outline(folder)
    except PhotoError as error:
        return error.problems
    users = users_of(folder.name, parts, subjects)
    found = use_problems(outline, shown(folder), users, parts)
    if truth is not None:
        found += known_mask_problems(outline, users.values(), truth, known)
        found += unseen_problems(users.values(), truth, known)
    return found


def use_problems(
    outline: PhotoOutline, place: str, users: Mapping[str, SubjectSettings], parts: ValidParts
) -> list[Problem]:
    """Checks photos for the subjects that use them.

    Args:
        outline: Of all photos and masks of a folder.
        place: The folder, for the problems.
        users: The subjects; with none, all photos count and the study's backend makes their mattes.
        parts: The study.
    """
    from hypnos_pipeline.imaging.mattes.choice import choice_problems

    known = users or {"": _ANY_SUBJECT}
    found = [
        problem
        for name, subject in known.items()
        for problem in choice_problems(
            outline.sizes, subject.exclude, subject.mattes, place, f"subjects.{name}."
        )
    ]
    backends: dict[str, tuple[str, BackendSettings]] = {}
    for photo, key, chosen in _without_mask(outline, known, parts):
        if chosen.backend == "provided":
            found.append(
                Problem(place, f"{photo}: has no mask", f"add masks/{photo}.png or change {key}.backend")
            )
        backends.setdefault(f"{chosen.backend} {sorted(chosen.options.items())}", (key, chosen))
    for key, chosen in backends.values():
        for problem in _backend_problems(chosen, parts.models.get("matting")):
            found.append(Problem(NETWORKS, f"{key}: {problem.what}", problem.fix))
    return list(dict.fromkeys(found))


def _without_mask(
    outline: PhotoOutline, users: Mapping[str, SubjectSettings], parts: ValidParts
) -> Iterator[tuple[str, str, BackendSettings]]:
    """Yields the photos that a backend must cut out, the key that names the backend, and the backend."""
    settings = parts.sections.get("background_removal")
    given = outline.given_mattes(settings.alpha) if settings is not None else outline.masks
    for name, subject in users.items():
        for photo in outline.sizes:
            if photo in subject.exclude or photo in given:
                continue
            if photo in subject.mattes:
                yield photo, f"subjects.{name}.mattes.{photo}", subject.mattes[photo]
            elif settings is not None:
                yield photo, "background_removal", settings


def _backend_problems(chosen: BackendSettings, matting: ModelReference | None) -> list[Problem]:
    """Returns why a backend cannot be used; that nothing was fetched yet is said of ``models.matting``."""
    from hypnos_pipeline.imaging.mattes.registry import find_backend

    try:
        backend = find_backend(chosen.backend, chosen.options, Path(matting.folder) if matting else None)
    except (ValueError, ImportError):  # a problem of the configuration, listed there
        return []
    unfetched = matting is not None and matting.fetched and not is_present(matting)
    return [] if unfetched and backend.network else backend.problems()


def known_mask_problems(
    outline: PhotoOutline, users: Collection[SubjectSettings], truth: Path, known: ReadOnce
) -> list[Problem]:
    """Checks the true masks of photos: one for each photo that a subject does not exclude, in its size."""
    found: list[Problem] = []
    for name in dict.fromkeys(each.true_masks for each in users if each.true_masks):
        using = [each for each in users if each.true_masks == name]
        used = {key: size for key, size in outline.sizes.items() if any(key not in u.exclude for u in using)}
        folder = truth / name / "masks"
        found += known.problems(
            partial(true_mask_problems, used, folder), [folder], str(sorted(used.items()))
        )
    return found


def true_mask_problems(sizes: Mapping[str, tuple[int, int]], folder: Path) -> list[Problem]:
    """Reads a folder of true masks, ``<photo>.png`` for each photo; ``sizes`` are the photos'."""
    from hypnos_pipeline.imaging.true_masks import read_true_masks

    place = f"{shown(folder)} (true_masks)"
    if not folder.is_dir():
        return [Problem(place, "no such folder", "put a mask of every photo there, or leave out true_masks")]
    try:
        read_true_masks(folder, sizes)
    except PhotoError as error:
        return [replace(problem, where=place) for problem in error.problems]
    return []


def cut_out_problems(parts: ValidParts) -> list[Problem]:
    """Returns why what cuts generated images out cannot be used."""
    evaluation = parts.sections.get("evaluation")
    if evaluation is None or evaluation.cut_out is None:
        return []
    found = _backend_problems(evaluation.cut_out, parts.models.get("matting"))
    return [Problem(NETWORKS, f"evaluation.cut_out: {problem.what}", problem.fix) for problem in found]


def unseen_problems(users: Iterable[SubjectSettings], truth: Path, known: ReadOnce) -> list[Problem]:
    """Reads the unseen views of subjects and their masks."""
    from hypnos_pipeline.imaging.unseen import view_folders

    found: list[Problem] = []
    for name in dict.fromkeys(subject.unseen for subject in users if subject.unseen):
        found += known.problems(partial(_view_problems, truth / name), view_folders(truth / name))
    return found


def _view_problems(folder: Path) -> list[Problem]:
    from hypnos_pipeline.imaging.unseen import read_views

    try:
        read_views(folder)
    except PhotoError as error:
        return error.problems
    return []


def class_prior_problems(parts: ValidParts) -> list[Problem]:
    """Reads the user's own images of the class, where the class prior is made of such."""
    settings = parts.sections.get("class_prior")
    if settings is None or settings.source != "folder" or settings.folder is None:
        return []
    from hypnos_pipeline.imaging.photos import read_photos

    try:
        count = len(read_photos(Path(settings.folder)).photos)
    except PhotoError as error:
        return error.problems
    if count >= settings.count:
        return []
    what = f"{count} images, fewer than class_prior.count ({settings.count})"
    return [Problem(f"{shown(settings.folder)} (class_prior.folder)", what, "add images or lower the count")]
