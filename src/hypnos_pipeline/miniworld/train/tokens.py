"""A small byte-pair vocabulary in CLIP's format in which every world word is one token."""

from __future__ import annotations

from pathlib import Path

from hypnos_pipeline.miniworld.render.words import vocabulary_words
from hypnos_pipeline.models.byte_pairs import make_tokenizer, train_merges


def build_tokenizer(folder: Path):
    """Saves a ``CLIPTokenizer`` and returns it as loaded back from the folder."""
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    make_tokenizer(train_merges(vocabulary_words())).save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
