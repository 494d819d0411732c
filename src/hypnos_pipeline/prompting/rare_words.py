"""Rare words, checked as they stand in a prompt (method.md §1)."""

from __future__ import annotations

from typing import Any

from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt, two_clause_prompt


def rare_word_problems(tokenizer: Any, subject: SubjectSettings) -> list[str]:
    """Returns what is wrong with ``[V]`` and ``[W]``: each must be one known token, and no other word's.

    Args:
        tokenizer: A ``CLIPTokenizer``.
        subject: The subject's words.

    Returns:
        Lines that name the key and the word; empty if nothing is wrong.
    """
    noun = _ids(tokenizer, subject.noun)
    problems: list[str] = []
    found: dict[str, int] = {}
    for key, word, ids in (
        ("instance_word", subject.instance_word, _instance_ids(tokenizer, subject, noun)),
        ("background_word", subject.background_word, _background_ids(tokenizer, subject)),
    ):
        problem = _problem(tokenizer, ids, noun)
        if problem:
            problems.append(f"{key} {word!r}: {problem}")
        else:
            found[key] = ids[0]
    if len(found) == 2 and found["instance_word"] == found["background_word"]:
        problems.append(
            f"instance_word {subject.instance_word!r} and background_word {subject.background_word!r}: "
            "are the same token; choose two different words"
        )
    return problems


def _problem(tokenizer: Any, ids: list[int], noun: list[int]) -> str:
    """Returns what is wrong with one word's tokens; empty if nothing is."""
    if len(ids) != 1:
        pieces = " + ".join(repr(piece) for piece in tokenizer.convert_ids_to_tokens(ids)) or "nothing"
        return f"is {len(ids)} tokens in a prompt ({pieces}), expected one; choose another word"
    if ids[0] == tokenizer.unk_token_id or ids[0] in tokenizer.all_special_ids:
        return "is unknown to the tokenizer; choose another word"
    if ids[0] in noun:
        return "is a word of the class noun; choose a word without a meaning"
    return ""


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Returns a text's token ids without begin and end."""
    return list(tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids)


def _between(whole: list[int], before: list[int], after: list[int]) -> list[int]:
    """Returns the ids of a word from its prompt's, given what stands before and after it."""
    return whole[len(before) : len(whole) - len(after)]


def _instance_ids(tokenizer: Any, subject: SubjectSettings, noun: list[int]) -> list[int]:
    """Returns the ids of ``[V]`` within ``a photo of [V] [C]``."""
    whole = _ids(tokenizer, plain_prompt(instance_phrase(subject)))
    return _between(whole, _ids(tokenizer, plain_prompt("").rstrip()), noun)


def _background_ids(tokenizer: Any, subject: SubjectSettings) -> list[int]:
    """Returns the ids of ``[W]`` within ``a photo of [V] [C], [W] background``."""
    phrase = instance_phrase(subject)
    whole = _ids(tokenizer, two_clause_prompt(phrase, subject.background_word))
    return _between(whole, _ids(tokenizer, f"{plain_prompt(phrase)},"), _ids(tokenizer, "background"))
