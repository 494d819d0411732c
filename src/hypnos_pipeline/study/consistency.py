"""What single keys cannot tell of a study: whether its sound parts agree with each other and can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hypnos_pipeline.imaging.settings import (
    AugmentationSettings,
    BackendSettings,
    BackgroundRemovalSettings,
)
from hypnos_pipeline.models.settings import ClassPriorSettings
from hypnos_pipeline.study.parts import SoundParts
from hypnos_pipeline.training.settings import DiscriminatorSettings

LONGEST_NAME = 64
"""Names stand in files' names, several in one path."""
_LARGEST_DISCRIMINATOR = {
    "width": 4096, "depth": 64, "heads": 64, "convolution_channels": 1024, "expansion": 64,
}  # fmt: skip


def disagreements(parts: SoundParts) -> list[str]:
    """Returns what is wrong between keys, each fault naming key and mend; empty if nothing is."""
    faults = [*_name_faults(parts), *_model_faults(parts), *_subject_faults(parts), *_prompt_faults(parts)]
    faults += _expectation_faults(parts)
    checks = {
        "background_removal": _background_removal_faults,
        "augmentation": _augmentation_faults,
        "discriminator": _discriminator_faults,
        "class_prior": _class_prior_faults,
    }
    for section, check in checks.items():
        if section in parts.sections:
            faults += check(parts.sections[section])
    return faults


def _name_faults(parts: SoundParts) -> Iterator[str]:
    for name, count in Counter(parts.names["methods"]).items():
        if count > 1:
            yield f"methods: {name} stands in {count} families; expected different names"
    if "methods" in parts.sections and not parts.names["methods"]:
        yield "methods: none; expected at least one, such as base: {base: {}}"
    for key, names in parts.names.items():
        for name in names:
            if len(name) > LONGEST_NAME:
                length = f"a name of {len(name)} letters"
                yield f"{key}: {name[:20]}... is {length}; expected at most {LONGEST_NAME}"


def _model_faults(parts: SoundParts) -> Iterator[str]:
    models = parts.sections.get("models")
    if models is not None and models.matting is None:  # dvc.yaml reads the key
        yield "models: the key matting is missing; expected a folder of matting networks, if an empty one"


def _subject_faults(parts: SoundParts) -> Iterator[str]:
    known = ", ".join(parts.names["subjects"])
    for name, subject in parts.subjects.items():
        # dvc.yaml reads the key, so it may not be left out.
        if subject.photos is None:
            owner = f"expected whose photos it uses, {name} for its own"
            yield f"subjects.{name}: the key photos is missing; {owner}"
        elif subject.photos not in parts.names["subjects"]:
            yield f"subjects.{name}.photos: no subject {subject.photos!r}; expected one of {known}"
        for photo, backend in subject.mattes.items():
            yield from _backend_faults(backend, f"subjects.{name}.mattes.{photo}")
        for template in subject.class_prior_prompts or ():
            if problem := _class_prompt_problem(template):
                yield f"subjects.{name}.class_prior_prompts: {problem}"


def _prompt_faults(parts: SoundParts) -> list[str]:
    from hypnos_pipeline.prompting.prompt_sets import study_prompt_problems

    return study_prompt_problems(parts.prompt_sets, parts.subjects, parts.sections.get("seed", 0))


def _background_removal_faults(settings: BackgroundRemovalSettings) -> Iterator[str]:
    yield from _backend_faults(settings, "background_removal")
    if settings.smallest_area >= settings.largest_area:
        limits = f"smallest_area {settings.smallest_area:g} and largest_area {settings.largest_area:g}"
        yield f"background_removal: {limits}; expected the smallest to be less"


def _backend_faults(settings: BackendSettings, key: str) -> Iterator[str]:
    from hypnos_pipeline.imaging.mattes.registry import find_backend

    try:
        find_backend(settings.backend, settings.options, key=key)
    except ValueError as problem:
        yield str(problem)
    except ImportError as problem:
        yield f"{key}.backend: {settings.backend!r} cannot be used here ({problem}); install it"


def _augmentation_faults(settings: AugmentationSettings) -> Iterator[str]:
    from hypnos_pipeline.imaging.colours import COLOURS

    for colour, count in Counter(settings.colours).items():
        if colour not in COLOURS:
            yield f"augmentation.colours: unknown colour {colour!r}; expected some of {', '.join(COLOURS)}"
        elif count > 1:
            yield f"augmentation.colours: {colour} stands {count} times; expected once"
    if settings.smallest_scale > settings.largest_scale:
        scales = f"smallest_scale {settings.smallest_scale:g} and largest_scale {settings.largest_scale:g}"
        yield f"augmentation: {scales}; expected the smallest not to be more"


def _discriminator_faults(settings: DiscriminatorSettings) -> Iterator[str]:
    for key, largest in _LARGEST_DISCRIMINATOR.items():
        if getattr(settings, key) > largest:
            yield f"discriminator.{key}: {getattr(settings, key)}; expected at most {largest}"
    if settings.width <= _LARGEST_DISCRIMINATOR["width"] and settings.width % settings.heads:
        yield f"discriminator.width: {settings.width}; expected a multiple of heads ({settings.heads})"


def _class_prior_faults(settings: ClassPriorSettings) -> Iterator[str]:
    for template in settings.prompts:
        if problem := _class_prompt_problem(template):
            yield f"class_prior.prompts: {problem}"
    if settings.source == "folder" and settings.folder is None:
        yield "class_prior: the key folder is missing; expected where the images are, as the source is folder"


def _class_prompt_problem(template: str) -> str:
    """Returns what is wrong with a template of the class prior, nothing if it is sound."""
    from hypnos_pipeline.prompting.templates import class_prompt

    try:
        class_prompt(template, "thing")
    except ValueError as problem:
        return str(problem)
    return ""


def _expectation_faults(parts: SoundParts) -> Iterator[str]:
    """Finds what methods' expectations are about and the study has not."""
    from hypnos_pipeline.metrics.registry import METRICS

    evaluation = parts.sections.get("evaluation")
    taken = [m for m in (METRICS if evaluation is None else evaluation.metrics) if METRICS[m].kind != "set"]
    known = {
        "against": parts.names["methods"],
        "prompt_set": parts.names["prompt_sets"],
        "metric": taken,
        "subject": parts.names["subjects"],
        "against_subject": parts.names["subjects"],
    }
    for family, methods in parts.methods.items():
        for name, method in methods.items():
            for number, expectation in enumerate(method.expectations):
                key = f"methods.{family}.{name}.expectations[{number}]"
                for part, names in known.items():
                    held = getattr(expectation, part)
                    if held is not None and held not in names:
                        yield f"{key}.{part}: {held!r}; expected one of {', '.join(names)}"
                if expectation.against == name and expectation.subject == expectation.against_subject:
                    yield f"{key}.against: {name!r} is the method itself; expected another one"
