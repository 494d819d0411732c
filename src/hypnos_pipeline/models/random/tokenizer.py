"""A synthetic tokenizer of CLIP's size: 49,408 entries, 77 tokens, the study's words among them."""

from __future__ import annotations

from itertools import count, islice, product
from string import ascii_lowercase, digits
from typing import TYPE_CHECKING

from hypnos_pipeline.models.byte_pairs import byte_symbols, make_tokenizer, train_merges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import CLIPTokenizer

ENTRIES = 49_408
_LINES = (
    "sks ohwx a an the photo painting sketch picture of on in at with and background bright light dark dim",
    "warm cold wide shot close up bold pale thick paint colors beach snow forest desert city night grass",
    "red orange yellow green cyan blue purple pink white black grey brown chair robot figurine toy mug",
    "rattan lego car house lamp ball duck table room",
)
WORDS = [word for line in _LINES for word in line.split()]
"""Each is one token, as the rare words and common nouns are in CLIP's own vocabulary."""


def make_synthetic_tokenizer(entries: int = ENTRIES) -> CLIPTokenizer:
    """Makes a tokenizer in CLIP's format; what :data:`WORDS` leave of ``entries`` is filled with no meaning.

    Raises:
        ValueError: If the words need more entries.
    """
    merges = train_merges(WORDS)
    room = entries - 2 * len(byte_symbols()) - 2
    if len(merges) > room:
        raise ValueError(f"expected {len(merges)} merges for the words, got room for {room}")
    known = {"".join(pair) for pair in merges}
    filling = (pair for pair in _meaningless() if "".join(pair) not in known)
    merges += islice(filling, room - len(merges))
    return make_tokenizer(merges)


def _meaningless() -> Iterator[tuple[str, str]]:
    """Yields merges of ever longer strings of letters and digits, without end."""
    for length in count(2):
        for text in map("".join, product(ascii_lowercase + digits, repeat=length)):
            yield text[:-1], text[-1]
