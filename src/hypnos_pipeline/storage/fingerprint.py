"""The key of a run: one digest of everything that its result depends on."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LIBRARIES = ("torch", "diffusers", "transformers", "timm", "bitsandbytes", "numpy")
# Whose code decides what a training or a sampler computes, so that no run is half of an older code.
_CODE = ("storage", "miniworld", "models", "prompting", "training", "randomness.py")


def fingerprint(values: Any, tensors: dict[str, torch.Tensor]) -> str:
    """Returns a key of a run's inputs, parameters, code, libraries and threads.

    Each tensor is read where it lies, one after another, so that no copy of them all is ever made: a tensor
    on the CPU is not copied at all.

    Args:
        values: JSON types.
        tensors: By name.
    """
    import torch

    known = [code_digest(), *map(version, LIBRARIES), torch.get_num_threads(), values]
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:32]


@cache
def code_digest() -> str:
    """Returns one digest of the code that decides results."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for place in _CODE:
        files = (package / place).rglob("*.py") if (package / place).is_dir() else [package / place]
        for file in sorted(files):
            digest.update(f"{file.relative_to(package).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()
