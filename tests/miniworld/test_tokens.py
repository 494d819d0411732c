"""The vocabulary: every world word one token, the study's prompts known and short."""

import pytest

from hypnos_pipeline.miniworld.render.words import RARE_WORDS, vocabulary_words
from hypnos_pipeline.miniworld.train.tokens import build_tokenizer

PROMPTS = (
    "a photo of sks robot",
    "a photo of robot",
    "a photo of sks robot, red background",
    "a photo of sks robot, ohwx background",
    "a photo of sks robot in a green walled room",
    "a photo of a purple and green sks robot",
    "a painting of sks robot on a beach, thick paint",
    "a photo of sks rattan chair, pink background",
    "a photo of sks figurine in a city, close-up",
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return build_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def test_every_word_is_one_token(tokenizer):
    for word in vocabulary_words():
        assert len(tokenizer.tokenize(word)) == 1, word
    assert len({tuple(tokenizer(w).input_ids) for w in RARE_WORDS}) == len(RARE_WORDS)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prompts_of_the_study_are_known_words(tokenizer, prompt):
    tokens = tokenizer.tokenize(prompt)
    words = prompt.replace(",", " ,").replace("-", " - ").split()
    assert [t.removesuffix("</w>") for t in tokens] == words
    assert tokenizer.model_max_length == 77


def test_padding_and_foreign_words(tokenizer):
    ids = tokenizer("a robot", padding="max_length", max_length=77).input_ids
    assert len(ids) == 77
    assert ids[0] == tokenizer.bos_token_id
    assert set(ids[3:]) == {tokenizer.eos_token_id}
    assert "".join(tokenizer.tokenize("zebra")).replace("</w>", "") == "zebra"
