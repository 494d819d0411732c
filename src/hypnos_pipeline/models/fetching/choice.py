"""Which files of a repository, or of a folder filled by hand, a network is loaded from."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import filter as matching
from pathlib import PurePosixPath

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.conversion import FOREIGN, converted_name
from hypnos_pipeline.models.integrity import PARTS, PREPROCESSED, TOKENIZERS, TOKENIZING
from hypnos_pipeline.models.preprocessing import CONFIGURATION
from hypnos_pipeline.models.weight_files import SUFFIX, UNREAD

_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
)


def needed_files(key: str, names: Collection[str]) -> list[str]:
    """Chooses the files that a network is loaded from; no other formats, no safety checker.

    Of its weights float32 is taken, from safetensors where they exist, and half precision only where there is
    nothing else.

    Args:
        key: The network's key below ``models``.
        names: All files there are, relative to the repository.

    Returns:
        Sorted names.

    Raises:
        FetchError: If something is missing that the pipelines cannot do without; the message begins with
            ``lacks``.
    """
    if key == "matting":
        return _matting(names)
    if key == "text_to_image":
        whole = _in_one_file(names)
        chosen = [whole] if whole else []
        for part, stem in PARTS.items():
            configured = {f"{part}/config.json"} & set(names) if whole else None
            chosen += configured or _with_weights(f"{part}/", stem, names)
        beside, tokenizer = {"model_index.json", "scheduler/scheduler_config.json"}, "tokenizer/"
    else:
        chosen = _with_weights("", "model", names)
        beside, tokenizer = {CONFIGURATION} if key in PREPROCESSED else set[str](), ""
    if missing := sorted(beside - set(names)):
        raise FetchError(f"lacks {', '.join(missing)}")
    if key == "text_to_image" or key in TOKENIZING:
        chosen += _with_tokenizer(tokenizer, names)
    return sorted({*chosen, *beside})


def _in_one_file(names: Collection[str]) -> str:
    """Returns the one file with all weights of a text-to-image model; empty where parts have their own."""
    safetensors = matching(names, "*.safetensors")
    if any(name.startswith(f"{part}/") and _is_weights(name) for part in PARTS for name in names):
        return ""
    return safetensors[0] if len(safetensors) == 1 and "/" not in safetensors[0] else ""


def _with_weights(folder: str, stem: str, names: Collection[str]) -> list[str]:
    """Returns configuration and weights of one part, in one piece or several.

    Raises:
        FetchError: If one is missing; other weights that are there are named.
    """
    if f"{folder}config.json" not in names:
        raise FetchError(f"lacks {folder}config.json")
    binary = "pytorch_model" if stem == "model" else stem
    plain, *variants = (_in_safetensors(f"{folder}{stem}", word, names) for word in ("", ".fp16", ".bf16"))
    foreign = [name for name in (f"{folder}{binary}.bin",) if name in names]
    if weights := next(filter(None, (plain, foreign, *variants)), None):
        return [f"{folder}config.json", *weights]
    others = sorted(name for name in names if name.startswith(folder) and _is_weights(name))
    there = f"; there are {', '.join(others)}" if others else ""
    raise FetchError(f"lacks weights {folder}{stem}.safetensors or {folder}{binary}.bin{there}")


def _in_safetensors(stem: str, variant: str, names: Collection[str]) -> list[str]:
    """Returns the safetensors files of one precision: the one, or the pieces with their index."""
    whole, index = f"{stem}{variant}.safetensors", f"{stem}.safetensors.index{variant}.json"
    if whole in names:
        return [whole]
    pieces = matching(names, f"{stem}{variant}-*-of-*.safetensors")
    return [index, *pieces] if index in names and pieces else []


def _with_tokenizer(folder: str, names: Collection[str]) -> list[str]:
    """Returns a tokenizer's files.

    Raises:
        FetchError: If it is not complete in either form.
    """
    if not any({f"{folder}{name}" for name in form} <= set(names) for form in TOKENIZERS):
        forms = " or ".join(" and ".join(sorted(form)) for form in TOKENIZERS)
        raise FetchError(f"lacks a tokenizer: {folder}{forms}")
    return [f"{folder}{name}" for name in _TOKENIZER if f"{folder}{name}" in names]


def _matting(names: Collection[str]) -> list[str]:
    """Returns the networks of background removers; a foreign file only where no safetensors is in its place.

    Raises:
        FetchError: If there is none.
    """
    ready = {*matching(names, "*.onnx"), *matching(names, "*.safetensors")}
    foreign = {name for name in names if name.endswith(FOREIGN) and converted_name(name) not in ready}
    if not ready | foreign:
        raise FetchError("lacks a network as .onnx, .safetensors, .pth, .pt or .bin")
    return sorted(ready | foreign)


def _is_weights(name: str) -> bool:
    return PurePosixPath(name).suffix in (SUFFIX, *UNREAD)
