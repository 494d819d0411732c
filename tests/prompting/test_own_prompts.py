"""A user's own prompt: the phrase put in, warnings of what is unusual, impossible ones refused."""

from __future__ import annotations

import pytest

from hypnos_pipeline.prompting.own_prompts import own_prompt


@pytest.mark.parametrize("phrase", ["sks robot", "<sks>", "robot"])
def test_the_phrase_stands_for_the_subject(tokenizer, phrase) -> None:
    prompt = own_prompt("a photo of {subject} on the grass", phrase, tokenizer)
    assert (prompt.text, prompt.warnings) == (f"a photo of {phrase} on the grass", [])


def test_a_prompt_without_placeholder_is_taken_as_it_is(tokenizer) -> None:
    named = own_prompt("a painting of SKS robot in snow", "sks robot", tokenizer)
    assert (named.text, named.warnings) == ("a painting of SKS robot in snow", [])
    for text in ("a photo of robot", "a photo of sks robots", "a photo of sks red robot"):
        prompt = own_prompt(text, "sks robot", tokenizer)
        assert prompt.text == text
        assert "does not name the subject ('sks robot')" in prompt.warnings[0]


def test_words_that_the_tokenizer_knows_in_pieces_only_are_named(tokenizer) -> None:
    (warning,) = own_prompt("a photo of {subject} on the moon, moon!", "sks teapot", tokenizer).warnings
    assert warning.count("moon") == 1
    assert "'moon' (" in warning
    assert "teapot" not in warning


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("  ", "the prompt is empty"),
        ("a photo of {noun}", "expected the placeholder {subject}"),
        ("a photo of {subject} on {colour}", "expected no other placeholder"),
        ("a photo of {subject", "expected the placeholder"),
        ("{subject} " + "robot " * 80, "is 84 tokens, more than the 77"),
    ],
)
def test_what_cannot_be_sampled_is_refused(tokenizer, template, message) -> None:
    with pytest.raises(ValueError, match=message):
        own_prompt(template, "sks robot", tokenizer)
