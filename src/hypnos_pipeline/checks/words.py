"""Words and prompts, by the tokenizer of the text-to-image model."""

from __future__ import annotations

import logging
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
SPELT = 2
"""Letters to a token, on average, up to which a word is not known but spelt out."""
_NOT_CHECKED = "not checked: their tokenizer comes with models.text_to_image, which is not here"
_log = logging.getLogger(__name__)


def word_problems(parts: ValidParts) -> list[Problem]:
    """Checks rare words, prompts and new tokens, if the text-to-image model is whole and here.

    Nouns that the model does not know are logged.
    """
    found = word_findings(parts)
    for finding in found:
        if isinstance(finding, Problem) and finding.severity == "warning" and finding.what != _NOT_CHECKED:
            _log.warning("%s", finding)
    return errors(found)


def word_findings(parts: ValidParts) -> list[Finding]:
    """Checks rare words, prompts and new tokens, and says so where they cannot be checked or are right."""
    reference = parts.models.get("text_to_image")
    if reference is None or not _is_whole(reference):
        return [warning(WORDS, _NOT_CHECKED)]
    tokenizer = _tokenizer(Path(reference.folder))
    unknown = list(_unknown_nouns(parts, tokenizer))
    found = list(dict.fromkeys(_wrong(parts, tokenizer)))
    if found:
        return [*(Problem(WORDS, what) for what in found), *unknown]
    words = {word for each in parts.subjects.values() for word in (each.instance_word, each.background_word)}
    return [Passed(WORDS, f"{', '.join(sorted(words))} are one token each; every prompt fits"), *unknown]


def _is_whole(reference: ModelReference) -> bool:
    status = model_status("text_to_image", reference, {})
    return status.present and not status.problems


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    load = cast("Any", CLIPTokenizer.from_pretrained)  # pyright: ignore[reportUnknownMemberType]
    return load(folder, subfolder="tokenizer", local_files_only=True)


def _unknown_nouns(parts: ValidParts, tokenizer: Any) -> Iterator[Problem]:
    """Yields a warning for every noun with a word that the tokenizer spells letter by letter.

    A model has hardly ever seen such a word, so its class prior shows anything.
    """
    for name, subject in parts.subjects.items():
        for word in subject.noun.split():
            pieces = tokenizer.tokenize(word)
            if len(pieces) > 1 and len(word) <= SPELT * len(pieces):
                spelt = "the model does not know the word and reads " + " + ".join(pieces)
                fix = "choose a noun that it knows, a more general one"
                yield warning(WORDS, f"subjects.{name}.noun: {word!r}: {spelt}", fix)


def _wrong(parts: ValidParts, tokenizer: Any) -> Iterator[str]:
    from hypnos_pipeline.prompting.fit import excess
    from hypnos_pipeline.prompting.prompt_sets import study_prompt_problems
    from hypnos_pipeline.prompting.templates import fill_template

    seed = parts.sections.get("seed", 0)
    yield from study_prompt_problems(parts.prompt_sets, parts.subjects, seed, tokenizer)
    for key, template, placeholder, words in _templates(parts):
        try:
            too_long = excess(tokenizer, fill_template(template, **{placeholder: words}))
        except ValueError:  # not a template, a problem of the configuration
            continue
        if too_long:
            yield f"{key}: {too_long}"
    vocabulary = tokenizer.get_vocab()
    for name, method in parts.methods["textual_inversion"].items():
        if method.token in vocabulary:
            key = f"methods.textual_inversion.{name}.token"
            yield f"{key}: {method.token!r} is a token of the model already; choose a new one"


def _templates(parts: ValidParts) -> Iterator[tuple[str, str, str, str]]:
    """Yields key, template, placeholder and what fills it, of the class priors and of Textual Inversion."""
    prior = parts.sections.get("class_prior")
    for name, subject in parts.subjects.items():
        for template in subject.class_prior_prompts or ():
            yield f"subjects.{name}.class_prior_prompts", template, "noun", subject.noun
        if prior is not None and subject.class_prior_prompts is None:
            for template in prior.prompts:
                yield "class_prior.prompts", template, "noun", subject.noun
        for method_name, method in parts.methods["textual_inversion"].items():
            key = f"methods.textual_inversion.{method_name}.templates"
            for template in method.templates or ():
                yield key, template, "subject", method.learned_phrase(subject.noun)
