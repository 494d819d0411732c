"""What of a study can be checked only outside its configuration: photos, networks, words, the machine.

Each check returns its faults, each naming a file or key and the mend, by the place to look; no check stops at
its first, and none raises for what is merely wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.checks.photo_use import Faults, shown, told_by, true_mask_faults, use_faults, users_of
from hypnos_pipeline.study.model import STUDY_FILE
from hypnos_pipeline.study.parts import SoundParts

if TYPE_CHECKING:
    from hypnos_pipeline.models.settings import RuntimeSettings

__all__ = [
    "Faults",
    "class_prior_faults",
    "machine_faults",
    "make_random_networks",
    "network_faults",
    "photo_faults",
    "shown",
    "told_by",
    "true_mask_faults",
    "true_mask_folders",
    "use_faults",
    "users_of",
]

_log = logging.getLogger(__name__)


def photo_faults(folder: Path, parts: SoundParts, true_masks: Iterable[Path] = ()) -> Faults:
    """Reads a subject's photos and masks, and the true masks that belong to them."""
    from hypnos_pipeline.errors import PhotoError
    from hypnos_pipeline.imaging.photos import read_photos

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
    from hypnos_pipeline.errors import PhotoError
    from hypnos_pipeline.imaging.photos import read_photos

    try:
        count = len(read_photos(Path(settings.folder)).photos)
    except PhotoError as error:
        return told_by(error)
    fault = f"{count} images, fewer than class_prior.count ({settings.count}); add images or lower the count"
    return {f"{shown(settings.folder)} (class_prior.folder)": [fault] if count < settings.count else []}


def network_faults(parts: SoundParts, networks: Iterable[str], lock_file: Path | None = None) -> Faults:
    """Looks at networks' files, then at the words and prompts if the text-to-image model's are whole.

    Random networks that are not here yet are no fault: the run makes them.

    Args:
        parts: The study.
        networks: Keys below ``models``; those whose reference is faulty are passed over.
        lock_file: The environment's ``models.lock``, in its own folder; not looked for if not given.
    """
    from hypnos_pipeline.errors import LockError
    from hypnos_pipeline.models.lock import read_lock
    from hypnos_pipeline.models.reference import absence
    from hypnos_pipeline.models.status import model_status

    try:
        lock = read_lock(lock_file) if lock_file else {}
    except LockError as problem:
        return {"networks": [problem.message]}
    env = lock_file.parent.name if lock_file else None
    references = {key: parts.models[key] for key in networks if key in parts.models}
    whole, faults = set(), []
    for key, reference in references.items():
        status = model_status(key, reference, lock, env)
        if status.present and not status.problems:
            whole.add(key)
        elif not status.present and reference.random is None:
            faults.append(str(absence(f"models.{key}", reference, env)))
        faults += map(str, status.problems)
    found = {"networks": faults}
    if "text_to_image" in whole:
        folder = Path(references["text_to_image"].folder)
        found[f"words and prompts of {STUDY_FILE}"] = list(dict.fromkeys(_word_faults(parts, folder)))
    return found


def make_random_networks(parts: SoundParts, networks: Iterable[str]) -> list[str]:
    """Makes the random networks that are not here yet, which takes no network; returns their keys."""
    from hypnos_pipeline.models.reference import is_present

    absent = {
        key: parts.models[key]
        for key in networks
        if parts.models[key].random is not None and not is_present(parts.models[key])
    }
    if absent:
        from hypnos_pipeline.models.random.folder import make_random_folder

        for reference in absent.values():
            _log.info("Making %s in %s, once", reference.id, reference.folder)
            make_random_folder(reference)
    return list(absent)


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
    """Looks for the GPU where one is asked for by name, and for the library of 8-bit weights."""
    runtime = parts.sections.get("runtime")
    return {"machine": list(_runtime_faults(runtime))} if runtime is not None else {}


def _runtime_faults(runtime: RuntimeSettings) -> Iterator[str]:
    if runtime.frozen_vae == "int8" and find_spec("optimum") is None:
        yield "runtime.frozen_vae: 'int8' needs `pip install optimum-quanto`; or choose 'half'"
    if runtime.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            expected = "expected 'auto' or 'cpu' on this machine"
            yield f"runtime.device: 'cuda', but torch sees no CUDA device; {expected}"
