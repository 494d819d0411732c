"""Prompt sets: fixed lists, and the grammar of the prompt-varying evaluation (paper 3.5.1, Fig. 4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from hypnos_pipeline.errors import nearest
from hypnos_pipeline.imaging.colours import COLOURS
from hypnos_pipeline.prompting.fit import excess
from hypnos_pipeline.prompting.rare_words import rare_word_problems
from hypnos_pipeline.prompting.settings import (
    ColourPrompts,
    DisentanglingPrompts,
    GrammarPrompts,
    PromptSetSettings,
    SubjectSettings,
)
from hypnos_pipeline.prompting.templates import (
    fill_template,
    instance_phrase,
    subject_prompt,
    two_clause_prompt,
)
from hypnos_pipeline.randomness import numpy_generator

FEWEST_COMBINATIONS = 50
_COLOUR_BACKGROUND = re.compile(rf"\b({'|'.join(COLOURS)}|gray)\s+background\b", re.IGNORECASE)


def expand(settings: PromptSetSettings, name: str, seed: int) -> list[str]:
    """Expands a prompt set to one prompt per image, the same for all subjects and methods.

    A list repeats its prompts in turn, a set of colours its colours. A grammar draws an image type, then a
    background and one of that type's styles, without repeats.

    Args:
        settings: The prompt set.
        name: Its name, for errors and the random stream.
        seed: The study's seed.

    Returns:
        As many prompts as images, with ``{subject}`` still in place.

    Raises:
        ValueError: Naming the prompt set: fewer than 50 combinations or than images, a template that is
            malformed, a grammar that holds the training's ``<colour> background``, or a colour that is not
            listed.
    """
    if settings.kind == "colours":
        return _colour_prompts(settings, name)
    if settings.kind != "grammar":
        prompts = _listed_prompts(settings, name) if settings.kind == "disentangle" else settings.prompts
        for prompt in prompts:
            _filled(prompt, name)
        return [prompts[index % len(prompts)] for index in range(settings.images)]
    combinations = grammar_combinations(settings, name)
    left = {image_type: list(prompts) for image_type, prompts in combinations.items()}
    drawn: list[str] = []
    for index in range(settings.images):
        draw = numpy_generator(seed, f"prompts/{name}", index)
        image_types = [image_type for image_type, prompts in left.items() if prompts]
        prompts = left[image_types[int(draw.integers(len(image_types)))]]
        drawn.append(prompts.pop(int(draw.integers(len(prompts)))))
    return drawn


def requests(settings: PromptSetSettings, name: str, seed: int) -> list[dict[str, Any]]:
    """Returns what is requested of each image of a prompt set, as data beside its prompt.

    Args:
        settings: The prompt set.
        name: As in :func:`expand`.
        seed: As in :func:`expand`.

    Returns:
        For each image, where requested: ``colour`` (of a plain background), ``scene_colour`` (of a scene,
        such as a room's walls), ``object_colours`` (a list), ``scene`` (a grammar's background, in words).
    """
    if settings.kind == "colours":
        return [
            {"scene_colour" if walled else "colour": colour} for colour, walled in _colour_turns(settings)
        ]
    if settings.kind == "disentangle":
        of_prompts = [
            ({"scene_colour": each.scene} if each.scene else {})
            | ({"object_colours": each.object} if each.object else {})
            for each in settings.prompts
        ]
        return [of_prompts[index % len(of_prompts)] for index in range(settings.images)]
    if settings.kind == "grammar":
        combinations = grammar_combinations(settings, name).values()
        words = {prompt: words for prompts in combinations for prompt, words in prompts.items()}
        return [{"scene": words[prompt]["background"]} for prompt in expand(settings, name, seed)]
    return [{}] * settings.images


def _colour_turns(settings: ColourPrompts) -> list[tuple[str, bool]]:
    """Returns each image's colour, and whether it is that of a room's walls."""
    kinds = (False, True) if settings.wall_template else (False,)
    turns = [(colour, walled) for walled in kinds for colour in settings.colours]
    return [turns[index % len(turns)] for index in range(settings.images)]


def _colour_prompts(settings: ColourPrompts, name: str) -> list[str]:
    """Returns a prompt for each image, its colour in place; see :func:`expand` for what is refused."""
    _refuse_unknown_colours(settings.colours, name)
    if len(set(settings.colours)) < len(settings.colours):
        raise ValueError(f"prompt set {name!r}: expected each colour once, got {', '.join(settings.colours)}")
    templates = {False: settings.template, True: settings.wall_template or ""}
    return [_filled(templates[walled], name, colour=colour) for colour, walled in _colour_turns(settings)]


def _listed_prompts(settings: DisentanglingPrompts, name: str) -> list[str]:
    """Returns the prompts as they are listed; see :func:`expand` for what is refused."""
    for each in settings.prompts:
        colours = [*([each.scene] if each.scene else []), *each.object]
        _refuse_unknown_colours(colours, name)
        if not colours:
            raise ValueError(
                f"prompt set {name!r}: {each.prompt!r} requests no colour; name it under scene or object"
            )
    return [each.prompt for each in settings.prompts]


def _refuse_unknown_colours(colours: list[str], name: str) -> None:
    unknown = [f"unknown colour {c!r}; {nearest(c, COLOURS)}" for c in colours if c not in COLOURS]
    if unknown:
        raise ValueError(f"prompt set {name!r}: {'; '.join(unknown)}")


def grammar_combinations(settings: GrammarPrompts, name: str) -> dict[str, dict[str, dict[str, str]]]:
    """Returns every prompt of a grammar by image type, each with what fills its template.

    See :func:`expand` for what is refused.
    """
    combinations: dict[str, dict[str, dict[str, str]]] = {}
    for image_type, styles in settings.image_types.items():
        if not styles:
            raise ValueError(f"prompt set {name!r}: image type {image_type!r} has no styles")
        prompts = combinations[image_type] = {}
        for background, style in product(settings.backgrounds, styles):
            words = {"image_type": image_type, "background": background, "style": style}
            prompts.setdefault(_filled(settings.template, name, **words), words)
    every = [prompt for prompts in combinations.values() for prompt in prompts]
    count = len(set(every))
    if count != len(every):
        raise ValueError(f"prompt set {name!r}: two image types give the same prompt")
    needed = max(FEWEST_COMBINATIONS, settings.images)
    if count < needed:
        raise ValueError(
            f"prompt set {name!r}: expected at least {needed} combinations of image type, background and "
            f"style, got {count}; add backgrounds or styles"
        )
    for prompt in every:
        if found := _COLOUR_BACKGROUND.search(prompt):
            raise ValueError(
                f"prompt set {name!r}: {prompt!r} holds {found.group()!r}, which training uses for its own "
                "backgrounds; choose other words"
            )
    return combinations


def study_prompt_problems(
    prompt_sets: Mapping[str, PromptSetSettings],
    subjects: Mapping[str, SubjectSettings],
    seed: int,
    tokenizer: Any = None,
) -> list[str]:
    """Checks all words and prompts of a study at once.

    Args:
        prompt_sets: By name.
        subjects: By name.
        seed: The study's seed.
        tokenizer: The base model's ``CLIPTokenizer``; without it, rare words and lengths are not checked.

    Returns:
        Every problem, naming the subject or prompt set; empty if there is none.
    """
    problems: list[str] = []
    templates: dict[str, list[str]] = {}
    for name, settings in prompt_sets.items():
        try:
            templates[name] = list(dict.fromkeys(expand(settings, name, seed)))
        except ValueError as error:
            problems.append(str(error))
    of_words: dict[tuple[str, ...], list[str]] = {}  # of a catalogue's many subjects of one noun, once
    for subject_name, subject in subjects.items():
        for name, prompts in templates.items():
            word = re.compile(rf"(?<!\w){re.escape(subject.background_word)}(?!\w)", re.IGNORECASE)
            if prompt_sets[name].kind == "grammar" and any(word.search(prompt) for prompt in prompts):
                problems.append(
                    f"prompt set {name!r}: holds {subject.background_word!r}, the background word of "
                    f"subject {subject_name!r}; choose other words"
                )
        if tokenizer is not None:
            words = (subject.noun, subject.instance_word, subject.background_word)
            if words not in of_words:
                of_words[words] = _tokenizer_problems(tokenizer, subject, templates)
            problems += [f"subject {subject_name!r}{problem}" for problem in of_words[words]]
    return problems


def _tokenizer_problems(
    tokenizer: Any, subject: SubjectSettings, templates: Mapping[str, list[str]]
) -> list[str]:
    """Checks a subject's rare words and the length of all its prompts; the subject is named before each."""
    problems = [f": {problem}" for problem in rare_word_problems(tokenizer, subject)]
    phrase = instance_phrase(subject)
    prompts = [
        (f"prompt set {name!r}", subject_prompt(t, phrase)) for name, ts in templates.items() for t in ts
    ]
    backgrounds = [*COLOURS, subject.background_word]
    prompts += [("training", two_clause_prompt(phrase, background)) for background in backgrounds]
    for origin, prompt in prompts:
        if too_long := excess(tokenizer, prompt):
            problems.append(f", {origin}: {too_long}")
    return problems


def _filled(template: str, name: str, **words: str) -> str:
    """Fills a template but for ``{subject}``, naming the prompt set in errors."""
    try:
        return fill_template(template, subject="{subject}", **words)
    except ValueError as error:
        raise ValueError(f"prompt set {name!r}: {error}") from error
