"""A tokenizer in CLIP's format with a handful of words."""

from __future__ import annotations

import pytest

from hypnos_pipeline.models.byte_pairs import make_tokenizer, train_merges
from hypnos_pipeline.prompting.settings import SubjectSettings

WORDS = "a photo of sks ohwx robot background red green on grass in the snow painting ,"


@pytest.fixture(scope="session")
def tokenizer():
    """A ``CLIPTokenizer`` in which ``WORDS`` are one token each and every other word falls to pieces."""
    return make_tokenizer(train_merges(WORDS.split()))


@pytest.fixture
def subject() -> SubjectSettings:
    return SubjectSettings(noun="robot", instance_word="sks", background_word="ohwx")
