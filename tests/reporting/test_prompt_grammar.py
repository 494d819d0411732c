"""How a varying prompt is composed (Fig. 4): the study's own lists and its own draws."""

from hypnos_pipeline.prompting.prompt_sets import expand
from hypnos_pipeline.prompting.settings import GrammarPrompts
from hypnos_pipeline.reporting.prompt_grammar import drawn_words, no_grammar, pieces, prompt_grammar

GRAMMAR = GrammarPrompts(
    image_types={"photo": ["dim light", "warm light", "close-up"], "painting": ["thick paint"]},
    backgrounds=[f"in place {n}" for n in range(14)],
    images=5,
)


def test_the_words_of_every_drawn_prompt_give_it_back():
    prompts = expand(GRAMMAR, "varying", 42)
    for prompt, words in zip(prompts, drawn_words("varying", GRAMMAR, 42), strict=True):
        assert words["style"] in GRAMMAR.image_types[words["image_type"]]
        assert "".join(text for text, _ in pieces(words, GRAMMAR)) == prompt.replace("{subject}", "[V] [C]")


def test_the_picture_follows_the_study_s_draws():
    first, again, other = (prompt_grammar("varying", GRAMMAR, seed) for seed in (42, 42, 43))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert no_grammar().mode == "RGB"
