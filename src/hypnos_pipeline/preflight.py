"""What of a study can be checked only outside its configuration: photos, networks, words, the machine.

Each check returns its faults, each naming a file or key and the mend, by the place to look; no check stops at
its first, and none raises for what is merely wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.study import STUDY_FILE
from hypnos_pipeline.study_faults import SoundParts

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.photos import PhotoError, RawPhotos

Faults = dict[str, list[str]]


def photo_faults(folder: Path, parts: SoundParts, true_masks: Iterable[Path] = ()) -> Faults:
    """Reads a subject's photos and masks, and the true masks that belong to them."""
    from hypnos_pipeline.imaging.photos import PhotoError, read_photos

    try:
        raw = read_photos(folder)
    except PhotoError as error:
        return told_by(error)
    return {shown(folder): missing_masks(raw, parts)} | true_mask_faults(raw, true_masks)


def true_mask_folders(
    owner: str, parts: SoundParts, judge: Path, subjects: Iterable[str] | None = None
) -> list[Path]:
    """Returns where the true masks of one subject's photos lie, none if none are known.

    Args:
        owner: Whose photos they are.
        parts: The study.
        judge: Holds ``<true_masks>/masks/<photo>.png``.
        subjects: Those that count; all if not given.
    """
    found = {
        judge / subject.true_masks / "masks": None
        for name, subject in parts.subjects.items()
        if (subject.photos or name) == owner and subject.true_masks and (subjects is None or name in subjects)
    }
    return list(found)


def true_mask_faults(raw: RawPhotos, folders: Iterable[Path]) -> Faults:
    """Reads true masks: one for each photo, in its size."""
    from hypnos_pipeline.imaging.photos import PhotoError
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
            found[place] = [str(fault) for fault in error.faults]
    return found


def told_by(error: PhotoError) -> Faults:
    """Returns the faults that an error lists."""
    return {shown(error.folder): [str(fault) for fault in error.faults]}


def missing_masks(raw: RawPhotos, parts: SoundParts) -> list[str]:
    """Names the photos without a mask where only masks are to be used."""
    settings = parts.sections.get("background_removal")
    if settings is None or settings.backend != "provided":
        return []
    return [
        f"{name}: has no mask; add masks/{name}.png or change background_removal.backend"
        for name in raw.photos
        if name not in raw.masks
    ]


def class_prior_faults(parts: SoundParts) -> Faults:
    """Reads the user's own images of the class, where the class prior is made of such."""
    settings = parts.sections.get("class_prior")
    if settings is None or settings.source != "folder" or settings.folder is None:
        return {}
    from hypnos_pipeline.imaging.photos import PhotoError, read_photos

    try:
        count = len(read_photos(Path(settings.folder)).photos)
    except PhotoError as error:
        return told_by(error)
    fault = f"{count} images, fewer than class_prior.count ({settings.count}); add images or lower the count"
    return {f"{shown(settings.folder)} (class_prior.folder)": [fault] if count < settings.count else []}


def network_faults(parts: SoundParts, networks: Iterable[str]) -> Faults:
    """Looks at networks' files, then at the words and prompts if the text-to-image model's are whole.

    Args:
        parts: The study.
        networks: Keys below ``models``; those whose reference is faulty are passed over.
    """
    from hypnos_pipeline.models import reference

    references = {key: parts.models[key] for key in networks if key in parts.models}
    faults = reference.network_faults(references)
    found = {"networks": [fault for key in faults for fault in faults[key]]}
    if faults.get("text_to_image") == []:
        folder = reference.locate(references["text_to_image"])
        found[f"words and prompts of {STUDY_FILE}"] = list(dict.fromkeys(_word_faults(parts, folder)))
    return found


def _word_faults(parts: SoundParts, folder: Path) -> Iterator[str]:
    """Checks words and prompts with the tokenizer of the text-to-image model."""
    from transformers import CLIPTokenizer

    from hypnos_pipeline.prompting.fit import excess
    from hypnos_pipeline.prompting.prompt_sets import study_prompt_problems
    from hypnos_pipeline.prompting.templates import class_prompt

    tokenizer: Any = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer", local_files_only=True)
    yield from study_prompt_problems(
        parts.prompt_sets, parts.subjects, parts.sections.get("seed", 0), tokenizer
    )
    for key, template, noun in _class_prior_prompts(parts):
        try:
            too_long = excess(tokenizer, class_prompt(template, noun))
        except ValueError:  # no template at all, which is told of the configuration
            continue
        if too_long:
            yield f"{key}: {too_long}"
    vocabulary = tokenizer.get_vocab()
    for name, method in parts.methods["textual_inversion"].items():
        if method.token in vocabulary:
            yield (
                f"methods.textual_inversion.{name}.token: {method.token!r} is a token of the model already; "
                "choose a new one"
            )


def _class_prior_prompts(parts: SoundParts) -> Iterator[tuple[str, str, str]]:
    """Yields key, template and noun of every prompt of a class prior."""
    prior = parts.sections.get("class_prior")
    for name, subject in parts.subjects.items():
        for template in subject.class_prior_prompts or ():
            yield f"subjects.{name}.class_prior_prompts", template, subject.noun
        if prior is not None and subject.class_prior_prompts is None:
            for template in prior.prompts:
                yield "class_prior.prompts", template, subject.noun


def machine_faults(parts: SoundParts) -> Faults:
    """Looks for the GPU where one is asked for by name."""
    runtime = parts.sections.get("runtime")
    if runtime is None or runtime.device != "cuda":
        return {}
    import torch

    there = torch.cuda.is_available()
    fault = "runtime.device: 'cuda', but torch sees no CUDA device; expected 'auto' or 'cpu' on this machine"
    return {"machine": [] if there else [fault]}


def shown(path: Path | str) -> str:
    """Returns a path relative to the working directory where it lies below it."""
    path, here = os.path.abspath(path), os.getcwd()
    return os.path.relpath(path, here) if Path(path).is_relative_to(here) else path
