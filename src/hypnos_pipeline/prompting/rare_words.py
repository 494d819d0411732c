"""Rare words, checked as they stand in a prompt (method.md §1)."""

from __future__ import annotations

from typing import Any

from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.prompting.templates import instance_phrase, plain_prompt, two_clause_prompt


def rare_word_problems(tokenizer: Any, subject: SubjectSettings) -> list[str]:
    """Returns what is wrong with ``[V]`` and ``[W]``, in lines that name the key and the word.

    Each must be one known token of a ``CLIPTokenizer``, and no other word's.
    """
    noun, plain = _ids(tokenizer, subject.noun), plain_prompt(instance_phrase(subject))
    whole = two_clause_prompt(instance_phrase(subject), subject.background_word)
    words = {
        f"instance_word {subject.instance_word!r}": (plain_prompt("").rstrip(), plain, subject.noun),
        f"background_word {subject.background_word!r}": (f"{plain},", whole, "background"),
    }
    found = {word: _within(tokenizer, *prompt) for word, prompt in words.items()}
    wrong = {word: _problem(tokenizer, ids, noun) for word, ids in found.items()}
    problems = [f"{word}: {problem}" for word, problem in wrong.items() if problem]
    instance, background = found.values()
    if not problems and instance == background:
        problems.append(f"{' and '.join(words)}: are the same token; choose two different words")
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


def _within(tokenizer: Any, before: str, prompt: str, after: str) -> list[int]:
    """Returns the ids of the word between the beginning and the end of a prompt."""
    whole = _ids(tokenizer, prompt)
    return whole[len(_ids(tokenizer, before)) : len(whole) - len(_ids(tokenizer, after))]
