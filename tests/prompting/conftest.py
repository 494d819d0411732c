"""A tokenizer in CLIP's format with a handful of words."""

from __future__ import annotations

import pytest

from hypnos_pipeline.prompting.settings import SubjectSettings

WORDS = (
    "a", "photo", "of", "sks", "ohwx", "robot", "background", "red", "green", "on", "grass", "in", "the",
    "snow", "painting", ",",
)  # fmt: skip


@pytest.fixture(scope="session")
def tokenizer():
    """A ``CLIPTokenizer`` in which ``WORDS`` are one token each and every other word falls to letters."""
    from transformers import CLIPTokenizer

    letters = "abcdefghijklmnopqrstuvwxyz,"
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            if pair not in merges:
                merges.append(pair)
                vocabulary.append("".join(pair))
            pieces = ["".join(pair), *pieces[2:]]
    vocabulary = [*dict.fromkeys(vocabulary), "<|startoftext|>", "<|endoftext|>"]
    vocab = {token: index for index, token in enumerate(vocabulary)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)


@pytest.fixture
def subject() -> SubjectSettings:
    return SubjectSettings(noun="robot", instance_word="sks", background_word="ohwx")
