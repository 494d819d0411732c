"""Prompts of the method, in one place (method.md §1, §3, §4; paper 3.3)."""

from __future__ import annotations

from hypnos_pipeline.prompting.settings import SubjectSettings


def instance_phrase(subject: SubjectSettings) -> str:
    """Returns ``[V] [C]``, e.g. ``sks robot``."""
    return f"{subject.instance_word} {subject.noun}"


def plain_prompt(phrase: str) -> str:
    """Returns the baselines' prompt of a subject, e.g. ``a photo of sks robot``."""
    return f"a photo of {phrase}"


def two_clause_prompt(phrase: str, background: str) -> str:
    """Returns the prompt of a pool image, e.g. ``a photo of sks robot, red background``.

    The first clause is the foreground's; the second names a listed colour, or by the rare word ``[W]`` the
    original background.
    """
    return f"{plain_prompt(phrase)}, {background} background"


def pool_prompt(subject: SubjectSettings, colour: str | None) -> str:
    """Returns a pool image's prompt; ``colour`` is None for the original background, which ``[W]`` names."""
    return two_clause_prompt(instance_phrase(subject), colour or subject.background_word)


def fill_template(template: str, **words: str) -> str:
    """Fills a configured template such as ``a photo of {noun}``.

    Raises:
        ValueError: If the template holds an unknown placeholder, or lacks one of those given.
    """
    for name in words:
        if f"{{{name}}}" not in template:
            raise ValueError(f"template {template!r}: expected the placeholder {{{name}}}")
    try:
        return template.format(**words)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        known = ", ".join(f"{{{name}}}" for name in words)
        raise ValueError(f"template {template!r}: expected no other placeholder than {known}") from error


def class_prompt(template: str, noun: str) -> str:
    """Returns a prompt of the class prior from a template with ``{noun}``."""
    return fill_template(template, noun=noun)


def subject_prompt(template: str, phrase: str) -> str:
    """Returns a prompt of a prompt set from an expanded template with ``{subject}``."""
    return fill_template(template, subject=phrase)
