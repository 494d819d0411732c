"""A synthetic tokenizer of CLIP's size: 49,408 entries, 77 tokens, the study's words among them."""

from __future__ import annotations

from functools import lru_cache
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
    "abandoned above among angle art asphalt baroque behind beside between bokeh books bookshelf",
    "botanical brush busy canvas cel charcoal chiaroscuro cinematic claymation clean clear cobblestone",
    "coffee color concept contrast cozy cup d delicate depth design detail detailed digital distance",
    "dramatic drifting dunes edges eiffel exposure far fauvism field film fine flat floating focus fog",
    "frames from front full gallery garden gesture global golden grain greenhouse hatching high highly",
    "hour illumination illustration image impasto impressionism ink intricate isometric it ivy japanese",
    "lake lanterns large layers lens lighting line lines living long look loose low market master meadow",
    "miniature mm mood mountain muted natural neon octane oil old outlines overcast overgrown page",
    "palette paper pastel pencil people photography piece pine planets plants poly pond poster precise",
    "professional quick rain ray render resolution rich rock romantic rough sandy seen shading shadows",
    "shallow shapes sharp shift signs simple sketchbook sky snowy soft space splashes spotlight square",
    "stack stage stone street strokes strong studio style sunrise tall texture textured tilt tones tower",
    "tracing trees under vibrant view visible vivid volumetric walled washes watercolor waves wet",
    "wildflowers window wooden",
)
WORDS = [word for line in _LINES for word in line.split()]
"""Those of ``paper``'s and the rehearsal's prompts: each is one token, as nearly all are in CLIP's own."""


def make_synthetic_tokenizer(entries: int = ENTRIES) -> CLIPTokenizer:
    """Makes a tokenizer in CLIP's format; what :data:`WORDS` leave of ``entries`` is filled with no meaning.

    Raises:
        ValueError: If the words need more entries.
    """
    merges = [*_word_merges()]
    room = entries - 2 * len(byte_symbols()) - 2
    if len(merges) > room:
        raise ValueError(f"expected {len(merges)} merges for the words, got room for {room}")
    known = {"".join(pair) for pair in merges}
    filling = (pair for pair in _meaningless() if "".join(pair) not in known)
    merges += islice(filling, room - len(merges))
    return make_tokenizer(merges)


@lru_cache(maxsize=1)
def _word_merges() -> tuple[tuple[str, str], ...]:
    return tuple(train_merges(WORDS))


def _meaningless() -> Iterator[tuple[str, str]]:
    """Yields merges of ever longer strings of letters and digits, without end."""
    for length in count(2):
        for text in map("".join, product(ascii_lowercase + digits, repeat=length)):
            yield text[:-1], text[-1]
