"""The files that hold a network's weights: in one piece or several, in full or in half precision.

diffusers and transformers tell precisions apart by a word in the file's name, the *variant*:
``model.fp16.safetensors`` beside or in place of ``model.safetensors``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "text_encoder": "model"}
"""The networks of a text-to-image model, with the stem of their weights' files."""
SUFFIX = ".safetensors"
UNREAD = (".bin", ".ckpt", ".pt", ".pth", ".h5", ".msgpack")
"""Kinds of weights' files that no run reads: reading the first four can run code that is hidden in them."""
_PREFERRED = ("fp16", "bf16")


@dataclass(frozen=True)
class WeightFiles:
    """The files that one network's weights are loaded from.

    Attributes:
        names: Relative to the network's folder; of a network in several pieces the pieces and their index.
        variant: The word by which the libraries are to find them; None for the plain names.
    """

    names: tuple[str, ...]
    variant: str | None = None


def weight_files(folder: Path, stem: str) -> WeightFiles | None:
    """Returns the files that a network is loaded from; None if there are none.

    The plain ones come first; a variant (half precision first) is taken only where nothing else is there.

    Args:
        folder: The network's folder.
        stem: What the files' names begin with, e.g. ``model``.
    """
    for variant in (None, *_variants(folder, stem)):
        if names := _names(folder, stem, variant):
            return WeightFiles(names, variant)
    return None


def single_file(folder: Path) -> Path | None:
    """Returns the one file with all weights of a text-to-image model whose parts have none of their own."""
    if any(weight_files(folder / part, stem) for part, stem in PARTS.items()):
        return None
    files = [*folder.glob(f"*{SUFFIX}")]
    return files[0] if len(files) == 1 else None


def stored_tensors(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Returns name to ``dtype`` (``F16``, …) and ``shape`` of the tensors in safetensors files.

    Only the files' headers are read.
    """
    tensors: dict[str, dict[str, Any]] = {}
    for file in files:
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        tensors |= {name: tensor for name, tensor in header.items() if name != "__metadata__"}
    return tensors


def _names(folder: Path, stem: str, variant: str | None) -> tuple[str, ...]:
    """Returns the files of one variant: those that the index lists, else the one; empty if there are none."""
    word = f".{variant}" if variant else ""
    index = f"{stem}{SUFFIX}.index{word}.json"
    try:
        content = json.loads((folder / index).read_text(encoding="utf-8"))
        return (index, *sorted(set(content["weight_map"].values())))
    except (OSError, ValueError, KeyError, AttributeError):
        whole = f"{stem}{word}{SUFFIX}"
        return (whole,) if (folder / whole).is_file() else ()


def _variants(folder: Path, stem: str) -> list[str]:
    """Returns the variants whose files are in a folder, half precision first."""
    name = re.compile(rf"{stem}(?:\.(\w+){SUFFIX}|{SUFFIX}\.index\.(\w+)\.json)")
    matches = [name.fullmatch(file.name) for file in folder.glob(f"{stem}.*")]
    found = {match[1] or match[2] for match in matches if match}
    return sorted(found, key=lambda variant: (variant not in _PREFERRED, variant != "fp16", variant))
