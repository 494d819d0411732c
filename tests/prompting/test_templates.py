"""The prompts' wording, which training, sampling and evaluation share."""

from __future__ import annotations

import pytest

from hypnos_pipeline.prompting import templates


def test_the_method_s_prompts(subject) -> None:
    phrase = templates.instance_phrase(subject)
    assert phrase == "sks robot"
    assert templates.plain_prompt(phrase) == "a photo of sks robot"
    assert templates.two_clause_prompt(phrase, "red") == "a photo of sks robot, red background"
    assert templates.two_clause_prompt(phrase, "ohwx") == "a photo of sks robot, ohwx background"
    assert templates.class_prompt("a photo of {noun}", "rattan chair") == "a photo of rattan chair"
    assert templates.subject_prompt("a painting of {subject}", phrase) == "a painting of sks robot"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a photo", r"expected the placeholder \{noun\}"),
        ("a {thing} {noun}", "expected no other placeholder"),
        ("a {} {noun}", "expected no other placeholder"),
        ("a { {noun}", "expected no other placeholder"),
        ("a {noun.real} {noun}", "expected no other placeholder"),
    ],
)
def test_malformed_templates_are_refused(template, expected) -> None:
    with pytest.raises(ValueError, match=expected):
        templates.class_prompt(template, "robot")
