"""How a varying prompt is composed (Fig. 4): the study's own lists and its own draws."""

import pytest

from hypnos_pipeline.prompting.prompt_sets import expand
from hypnos_pipeline.prompting.settings import GrammarPrompts
from hypnos_pipeline.reporting.prompt_grammar import choices, no_grammar, pieces, prompt_grammar

GRAMMAR = GrammarPrompts(
    image_types={"photo": ["dim light", "warm light", "close-up"], "painting": ["thick paint"]},
    backgrounds=[f"in place {n}" for n in range(14)],
    images=5,
)


def test_every_drawn_prompt_is_taken_apart_into_what_it_is_made_of():
    for prompt in expand(GRAMMAR, "varying", 42):
        made = choices(prompt, GRAMMAR)
        assert made["style"] in GRAMMAR.image_types[made["image_type"]]
        assert "".join(text for text, _ in pieces(made, GRAMMAR)) == prompt.replace("{subject}", "[V] [C]")


def test_a_prompt_of_another_grammar_is_refused():
    with pytest.raises(ValueError, match="no prompt of this grammar"):
        choices("a photo of {subject} elsewhere, dim light", GRAMMAR)


def test_the_picture_follows_the_study_s_draws():
    first, again, other = (prompt_grammar("varying", GRAMMAR, seed) for seed in (42, 42, 43))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert no_grammar().mode == "RGB"
