"""CLIP's kind of vocabulary: bytes, bytes that end a word, merges of pairs, two special tokens."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
MAX_LENGTH = 77


def byte_symbols() -> list[str]:
    """Returns the 256 printable stand-ins for bytes that GPT-2 and CLIP use, in CLIP's order."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    symbols = [chr(b) for b in kept]
    return symbols + [chr(256 + k) for k in range(256 - len(kept))]


def train_merges(words: list[str]) -> list[tuple[str, str]]:
    """Merges the most frequent pair (ties by text) until every word is one symbol."""
    split = [[*word[:-1], word[-1] + "</w>"] for word in words]
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for word in split for pair in pairwise(word))
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word in split:
            k = 0
            while k < len(word) - 1:
                if (word[k], word[k + 1]) == best:
                    word[k : k + 2] = ["".join(best)]
                k += 1


def make_tokenizer(merges: list[tuple[str, str]]) -> CLIPTokenizer:
    """Makes a tokenizer in CLIP's order from its merges, most urgent first."""
    from transformers import CLIPTokenizer

    alphabet = byte_symbols()
    symbols = [*alphabet, *(s + "</w>" for s in alphabet), *("".join(m) for m in merges), START, END]
    return CLIPTokenizer(
        vocab={symbol: k for k, symbol in enumerate(dict.fromkeys(symbols))},
        merges=merges,  # pyright: ignore[reportArgumentType]
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=MAX_LENGTH,
    )
