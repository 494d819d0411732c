"""Averaged weights as a file: what they were made from decides whether a training need be repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.storage.checkpoints import prefixed, unprefixed
from hypnos_pipeline.storage.fingerprint import fingerprint
from hypnos_pipeline.storage.hashing import file_sha256
from hypnos_pipeline.storage.leftovers import set_aside
from hypnos_pipeline.storage.replacing import replaced_file

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.miniworld.train.descent import Ema


def training_key(name: str, values: list[Any], files: list[Path]) -> str:
    """Returns a digest of everything that a training's result depends on.

    Args:
        name: Of the training.
        values: Its settings and seed, JSON types.
        files: Its data.
    """
    return fingerprint([name, values, [file_sha256(file) for file in files]], {})


def save_result(path: Path, average: Ema, steps: int, key: str) -> None:
    """Writes a training's averaged weights, its steps and its :func:`training_key`."""
    from safetensors.torch import save_file

    with replaced_file(path) as part:
        tensors = {name: each.clone().contiguous() for name, each in prefixed("ema", average.average).items()}
        # One entry: several would stand in an order that changes from run to run.
        save_file(tensors, part, metadata={"made": json.dumps({"step": steps, "key": key})})


def load_result(path: Path) -> tuple[dict[str, torch.Tensor], int]:
    """Returns the averaged weights that :func:`save_result` wrote, and the steps."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return unprefixed("ema", tensors), _made(file)["step"]


def is_done(path: Path, key: str) -> bool:
    """Whether the result is there and was made from the same; one made from other things is set aside."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return False
    try:
        with safe_open(path, "pt") as file:
            made_from = _made(file).get("key")
    except (OSError, SafetensorError) as error:
        set_aside(path, f"it cannot be read: {error}")
        return False
    if made_from != key:
        set_aside(path, "it was made by other code, or from other settings or data")
    return made_from == key


def _made(file: Any) -> dict[str, Any]:
    return json.loads((file.metadata() or {}).get("made", "{}"))
