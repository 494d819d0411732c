"""Whether the valid parts of a study agree with each other and can be used, which no single key can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hypnos_pipeline.errors import Problem, nearest
from hypnos_pipeline.imaging.settings import (
    AugmentationSettings,
    BackendSettings,
    BackgroundRemovalSettings,
)
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import ClassPriorSettings
from hypnos_pipeline.study.environments import STUDY_FILE
from hypnos_pipeline.study.parts import ValidParts
from hypnos_pipeline.training.settings import DiscriminatorSettings, is_training

Wrong = tuple[str, str]
"""What is wrong, beginning with the key, and the fix."""
LONGEST_NAME = 64
"""Names stand in files' names, several in one path."""
SHARED_STAGES = ("background_removal", "augmentation", "class_prior", "discriminator", "reporting")
"""Stages that a subject's methods share: beside the methods' names they name the parts of a subject."""
_LARGEST_DISCRIMINATOR = {
    "width": 4096, "depth": 64, "heads": 64, "convolution_channels": 1024, "expansion": 64,
}  # fmt: skip


def disagreements(parts: ValidParts) -> list[Problem]:
    """Returns what is wrong between the keys of a study's file."""
    found: list[Wrong] = []
    checks = (
        _name_problems,
        _training_problems,
        _model_problems,
        _subject_problems,
        _prompt_problems,
        _template_problems,
        _expectation_problems,
    )
    for check in checks:
        found += check(parts)
    of_sections = {
        "background_removal": _background_removal_problems,
        "augmentation": _augmentation_problems,
        "discriminator": _discriminator_problems,
        "class_prior": _class_prior_problems,
        "evaluation": _evaluation_problems,
    }
    for section, check_section in of_sections.items():
        if section in parts.sections:
            found += check_section(parts.sections[section])
    return [Problem(STUDY_FILE, what, fix) for what, fix in found]


def _name_problems(parts: ValidParts) -> Iterator[Wrong]:
    for name, count in Counter(parts.names["methods"]).items():
        if count > 1:
            yield f"methods: {name} stands in {count} families", "expected different names"
        if name in SHARED_STAGES:
            yield f"methods: {name} is a stage's name", "expected another one"
        if is_training(name):
            yield f"methods: {name} is the name of a training", "expected another one"
    if "methods" in parts.sections and not parts.names["methods"]:
        yield "methods: none", "expected at least one, such as base: {base: {}}"
    for key, names in parts.names.items():
        for name in names:
            if len(name) > LONGEST_NAME:
                length = f"a name of {len(name)} letters"
                yield f"{key}: {name[:20]}... is {length}", f"expected at most {LONGEST_NAME}"


def _training_problems(parts: ValidParts) -> Iterator[Wrong]:
    numbers, further = parts.trainings, parts.sections.get("further_trainings", ())
    if list(further) != (expected := list(range(2, numbers + 1))):
        yield f"further_trainings: {list(further)}, but trainings is {numbers}", f"expected {expected}"


def _model_problems(parts: ValidParts) -> Iterator[Wrong]:
    models = parts.sections.get("models")
    if models is not None and models.matting is None:  # dvc.yaml reads the key
        yield "models: the key matting is missing", "expected a folder of matting networks, if an empty one"


def _subject_problems(parts: ValidParts) -> Iterator[Wrong]:
    kinds: dict[str, tuple[str, str]] = {}  # folder of photos to their kind and the subject that names it
    for name, subject in parts.subjects.items():
        # dvc.yaml reads the key, so it may not be left out.
        if subject.photos is None:
            folder = f"expected their folder in data/01_raw/subjects, such as {name}"
            yield f"subjects.{name}: the key photos is missing", folder
        elif subject.kind is not None:
            kind, first = kinds.setdefault(subject.photos, (subject.kind, name))
            if subject.kind != kind:
                fix = f"expected {kind!r}, as for {first}, which has the same photos"
                yield f"subjects.{name}.kind: {subject.kind!r}", fix
        for photo, backend in subject.mattes.items():
            yield from _backend_problems(backend, f"subjects.{name}.mattes.{photo}")
        for template in subject.class_prior_prompts or ():
            if problem := _class_prompt_problem(template):
                yield f"subjects.{name}.class_prior_prompts: {problem}", ""


def _prompt_problems(parts: ValidParts) -> Iterator[Wrong]:
    from hypnos_pipeline.prompting.prompt_sets import study_prompt_problems

    for problem in study_prompt_problems(parts.prompt_sets, parts.subjects, parts.sections.get("seed", 0)):
        yield problem, ""
    yield from _held_out_problems(parts)


def _held_out_problems(parts: ValidParts) -> Iterator[Wrong]:
    """Finds colours that no method may train on and that stand in the pool."""
    augmentation = parts.sections.get("augmentation")
    for name, prompts in parts.prompt_sets.items():
        if augmentation is None or prompts.kind != "colours" or not prompts.held_out:
            continue
        for colour in prompts.colours:
            if colour in augmentation.colours:
                wrong = f"prompt_sets.{name}.colours: {colour} stands in augmentation.colours too"
                yield (
                    f"{wrong}, so HYPNOS trains on it",
                    "take it out of one of the two, or write held_out: false",
                )


def _template_problems(parts: ValidParts) -> Iterator[Wrong]:
    from hypnos_pipeline.prompting.templates import subject_prompt

    for name, method in parts.methods["textual_inversion"].items():
        for template in method.templates or ():
            try:
                subject_prompt(template, method.token)
            except ValueError as problem:
                yield f"methods.textual_inversion.{name}.templates: {problem}", ""


def _background_removal_problems(settings: BackgroundRemovalSettings) -> Iterator[Wrong]:
    yield from _backend_problems(settings, "background_removal")
    if settings.smallest_area >= settings.largest_area:
        limits = f"smallest_area {settings.smallest_area:g} and largest_area {settings.largest_area:g}"
        yield f"background_removal: {limits}", "expected the smallest to be less"


def _backend_problems(settings: BackendSettings, key: str) -> Iterator[Wrong]:
    from hypnos_pipeline.imaging.mattes.registry import find_backend

    try:
        find_backend(settings.backend, settings.options, key=key)
    except ValueError as problem:
        yield str(problem), ""
    except ImportError as problem:
        yield f"{key}.backend: {settings.backend!r} cannot be used here ({problem})", "install it"


def _augmentation_problems(settings: AugmentationSettings) -> Iterator[Wrong]:
    from hypnos_pipeline.imaging.colours import COLOURS

    for colour, count in Counter(settings.colours).items():
        if colour not in COLOURS:
            yield f"augmentation.colours: unknown colour {colour!r}", nearest(colour, COLOURS)
        elif count > 1:
            yield f"augmentation.colours: {colour} stands {count} times", "expected once"
    if settings.smallest_scale > settings.largest_scale:
        scales = f"smallest_scale {settings.smallest_scale:g} and largest_scale {settings.largest_scale:g}"
        yield f"augmentation: {scales}", "expected the smallest not to be more"


def _discriminator_problems(settings: DiscriminatorSettings) -> Iterator[Wrong]:
    for key, largest in _LARGEST_DISCRIMINATOR.items():
        if getattr(settings, key) > largest:
            yield f"discriminator.{key}: {getattr(settings, key)}", f"expected at most {largest}"
    if settings.width <= _LARGEST_DISCRIMINATOR["width"] and settings.width % settings.heads:
        yield f"discriminator.width: {settings.width}", f"expected a multiple of heads ({settings.heads})"


def _class_prior_problems(settings: ClassPriorSettings) -> Iterator[Wrong]:
    for template in settings.prompts:
        if problem := _class_prompt_problem(template):
            yield f"class_prior.prompts: {problem}", ""
    if settings.source == "folder" and settings.folder is None:
        yield (
            "class_prior: the key folder is missing",
            "expected the folder of the images",
        )


def _evaluation_problems(settings: EvaluationSettings) -> Iterator[Wrong]:
    if settings.cut_out is None:
        return
    if settings.cut_out.backend == "provided":
        yield "evaluation.cut_out.backend: samples have no masks", "expected a backend that makes mattes"
    yield from _backend_problems(settings.cut_out, "evaluation.cut_out")


def _class_prompt_problem(template: str) -> str:
    """Returns what is wrong with a template of the class prior, nothing if it is valid."""
    from hypnos_pipeline.prompting.templates import class_prompt

    try:
        class_prompt(template, "thing")
    except ValueError as problem:
        return str(problem)
    return ""


def _expectation_problems(parts: ValidParts) -> Iterator[Wrong]:
    """Finds names in methods' expectations that the study does not have."""
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
                        yield f"{key}.{part}: {held!r}", nearest(held, names)
                if expectation.against == name and expectation.subject == expectation.against_subject:
                    yield f"{key}.against: {name!r} is the method itself", "expected another one"
