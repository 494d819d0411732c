"""Rare words as they stand in a prompt, and prompts that fit."""

from __future__ import annotations

import pytest

from hypnos_pipeline.prompting.fit import excess
from hypnos_pipeline.prompting.rare_words import rare_word_problems
from hypnos_pipeline.prompting.settings import SubjectSettings


def problems(tokenizer, **words: str) -> list[str]:
    return rare_word_problems(tokenizer, SubjectSettings(**({"noun": "robot"} | words)))


def test_good_words_have_no_problem(tokenizer) -> None:
    assert problems(tokenizer) == []
    assert problems(tokenizer, noun="toy robot") == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"instance_word": "zwx"}, "instance_word 'zwx': is 3 tokens"),
        ({"background_word": "zwx"}, "background_word 'zwx': is 3 tokens"),
        ({"instance_word": "sks ohwx"}, "is 2 tokens"),
        ({"instance_word": "robot"}, "is a word of the class noun"),
        ({"instance_word": "ohwx"}, "are the same token"),
        ({"instance_word": "OHWX"}, "are the same token"),
        ({"instance_word": "ß"}, "instance_word 'ß'"),
        ({"instance_word": "<|endoftext|>"}, "is unknown to the tokenizer"),
    ],
)
def test_bad_words_are_named_with_the_reason(tokenizer, words, expected) -> None:
    (problem,) = problems(tokenizer, **words)
    assert expected in problem


def test_prompts_fit_up_to_the_last_token(tokenizer) -> None:
    assert excess(tokenizer, "red " * 75) == ""
    assert excess(tokenizer, "red " * 76).startswith("'red red red")
    assert "is 78 tokens, more than the 77 that the text encoder reads" in excess(tokenizer, "red " * 76)
