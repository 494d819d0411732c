"""What of a study can be checked only outside its configuration: photos, networks, words, the machine.

Each check returns its faults, each naming a file or key and the mend, by the place to look; no check stops at
its first, and none raises for what is merely wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hypnos_pipeline.photo_use import Faults, shown, told_by, true_mask_faults, use_faults, users_of
from hypnos_pipeline.study import STUDY_FILE
from hypnos_pipeline.study_faults import SoundParts

__all__ = [
    "Faults",
    "class_prior_faults",
    "machine_faults",
    "network_faults",
    "photo_faults",
    "shown",
    "told_by",
    "true_mask_faults",
    "true_mask_folders",
    "use_faults",
    "users_of",
]


def photo_faults(folder: Path, parts: SoundParts, true_masks: Iterable[Path] = ()) -> Faults:
    """Reads a subject's photos and masks, and the true masks that belong to them."""
    from hypnos_pipeline.imaging.photos import PhotoError, read_photos

    try:
        raw = read_photos(folder)
    except PhotoError as error:
        return told_by(error)
    return use_faults(raw, shown(folder), users_of(folder.name, parts), parts, true_masks)


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
    users = users_of(owner, parts, subjects).values()
    return list(dict.fromkeys(judge / each.true_masks / "masks" for each in users if each.true_masks))


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
    prior = parts.sections.get("class_prior")
    for template in prior.prompts if prior is not None else ():
        for subject in parts.subjects.values():
            try:
                too_long = excess(tokenizer, class_prompt(template, subject.noun))
            except ValueError:  # no template at all, which is told of the configuration
                continue
            if too_long:
                yield f"class_prior.prompts: {too_long}"
    vocabulary = tokenizer.get_vocab()
    for name, method in parts.methods["textual_inversion"].items():
        if method.token in vocabulary:
            yield (
                f"methods.textual_inversion.{name}.token: {method.token!r} is a token of the model already; "
                "choose a new one"
            )


def machine_faults(parts: SoundParts) -> Faults:
    """Looks for the GPU where one is asked for by name."""
    runtime = parts.sections.get("runtime")
    if runtime is None or runtime.device != "cuda":
        return {}
    import torch

    there = torch.cuda.is_available()
    fault = "runtime.device: 'cuda', but torch sees no CUDA device; expected 'auto' or 'cpu' on this machine"
    return {"machine": [] if there else [fault]}
