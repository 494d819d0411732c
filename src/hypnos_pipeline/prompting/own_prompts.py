"""A user's own prompt for a finished model: the subject's phrase put in, and warnings of what is unusual."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.prompting.fit import excess
from hypnos_pipeline.prompting.templates import subject_prompt

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class OwnPrompt:
    """A prompt as the model reads it.

    Attributes:
        text: With the subject's phrase in place.
        warnings: What is unusual about it, each a sentence.
    """

    text: str
    warnings: list[str]


def own_prompt(template: str, phrase: str, tokenizer: Any) -> OwnPrompt:
    """Checks a prompt and puts the subject's phrase into it.

    Args:
        template: The user's text; ``{subject}`` stands for the phrase. Without, it is taken as it is.
        phrase: What the model calls the subject, e.g. ``sks robot``.
        tokenizer: The model's ``CLIPTokenizer``.

    Raises:
        ValueError: If it is empty, holds another placeholder, or does not fit the text encoder.
    """
    if not template.strip():
        raise ValueError("the prompt is empty; expected e.g. 'a photo of {subject} on a beach'")
    warnings: list[str] = []
    if "{" in template or "}" in template:
        text = subject_prompt(template, phrase)
    else:
        text = template
        if not re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE):
            warnings.append(f"The prompt does not name the subject ({phrase!r}): write {{subject}} for it.")
    if too_long := excess(tokenizer, text):
        raise ValueError(too_long)
    if pieces := words_in_pieces(tokenizer, text.replace(phrase, " ")):
        listed = ", ".join(f"{word!r} ({' + '.join(found)})" for word, found in pieces.items())
        warnings.append(f"Words that the tokenizer does not know as such, only in pieces: {listed}.")
    return OwnPrompt(text, warnings)


def words_in_pieces(tokenizer: Any, text: str) -> dict[str, list[str]]:
    """Returns the words that are more than one token, or unknown, with their pieces.

    The embedded miniature knows its world's words whole and was never shown another; to Stable Diffusion rare
    words in pieces are nothing unusual.
    """
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys(_WORD.findall(text)):
        ids = tokenizer(word, add_special_tokens=False, truncation=False, verbose=False).input_ids
        if len(ids) != 1 or ids[0] in tokenizer.all_special_ids:
            tokens = tokenizer.convert_ids_to_tokens(ids)
            found[word] = [token.removesuffix("</w>") for token in tokens]
    return found
