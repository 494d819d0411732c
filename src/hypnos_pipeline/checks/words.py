"""Words and prompts, by the tokenizer of the text-to-image model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from hypnos_pipeline.checks.findings import Finding, Passed, errors, warning
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.status import model_status
from hypnos_pipeline.study.environments import STUDY_FILE
from hypnos_pipeline.study.parts import ValidParts

WORDS = f"words and prompts of {STUDY_FILE}"


def word_problems(parts: ValidParts) -> list[Problem]:
    """Checks rare words, prompts and new tokens, if the text-to-image model is whole and here."""
    return errors(word_findings(parts))


def word_findings(parts: ValidParts) -> list[Finding]:
    """Checks rare words, prompts and new tokens, and says so where they cannot be checked or are right."""
    reference = parts.models.get("text_to_image")
    if reference is None or not _is_whole(reference):
        return [
            warning(WORDS, "not checked: their tokenizer comes with models.text_to_image, which is not here")
        ]
    found = list(dict.fromkeys(_wrong(parts, Path(reference.folder))))
    if found:
        return [Problem(WORDS, what) for what in found]
    words = {word for each in parts.subjects.values() for word in (each.instance_word, each.background_word)}
    return [Passed(WORDS, f"{', '.join(sorted(words))} are one token each; every prompt fits")]


def _is_whole(reference: ModelReference) -> bool:
    status = model_status("text_to_image", reference, {})
    return status.present and not status.problems


def _wrong(parts: ValidParts, folder: Path) -> Iterator[str]:
    from transformers import CLIPTokenizer

    from hypnos_pipeline.prompting.fit import excess
    from hypnos_pipeline.prompting.prompt_sets import study_prompt_problems
    from hypnos_pipeline.prompting.templates import class_prompt

    load = cast("Any", CLIPTokenizer.from_pretrained)  # pyright: ignore[reportUnknownMemberType]
    tokenizer = load(folder, subfolder="tokenizer", local_files_only=True)
    seed = parts.sections.get("seed", 0)
    yield from study_prompt_problems(parts.prompt_sets, parts.subjects, seed, tokenizer)
    for key, template, noun in _class_prior_prompts(parts):
        try:
            too_long = excess(tokenizer, class_prompt(template, noun))
        except ValueError:  # no template at all, a problem of the configuration
            continue
        if too_long:
            yield f"{key}: {too_long}"
    vocabulary = tokenizer.get_vocab()
    for name, method in parts.methods["textual_inversion"].items():
        if method.token in vocabulary:
            key = f"methods.textual_inversion.{name}.token"
            yield f"{key}: {method.token!r} is a token of the model already; choose a new one"


def _class_prior_prompts(parts: ValidParts) -> Iterator[tuple[str, str, str]]:
    """Yields key, template and noun of every prompt of a class prior."""
    prior = parts.sections.get("class_prior")
    for name, subject in parts.subjects.items():
        for template in subject.class_prior_prompts or ():
            yield f"subjects.{name}.class_prior_prompts", template, subject.noun
        if prior is not None and subject.class_prior_prompts is None:
            for template in prior.prompts:
                yield "class_prior.prompts", template, subject.noun
