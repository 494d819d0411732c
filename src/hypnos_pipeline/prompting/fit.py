"""Whether a prompt fits the text encoder: longer ones would lose their end in silence."""

from __future__ import annotations

from typing import Any

_CLIP_LENGTH = 77
_SHOWN = 50


def excess(tokenizer: Any, prompt: str) -> str:
    """Returns by how much a prompt is too long, the prompt itself shortened; empty if it fits.

    A prompt fits if it has no more tokens, begin and end included, than the ``CLIPTokenizer``'s own length,
    77 where that states none.
    """
    # A tokenizer saved without its configuration states 1e30.
    length = tokenizer.model_max_length if tokenizer.model_max_length < 10**6 else _CLIP_LENGTH
    count = len(tokenizer(prompt, truncation=False, verbose=False).input_ids)
    if count <= length:
        return ""
    begun = prompt if len(prompt) <= _SHOWN else f"{prompt[:_SHOWN].rstrip()}..."
    return f"{begun!r} is {count} tokens, more than the {length} that the text encoder reads; shorten it"
