"""From what a source offers to what the pipelines read: safetensors, ONNX, JSON; never a pickle.

The only place that reads foreign .pth and .bin files, each once, by ``torch.load(weights_only=True)``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import FetchError

if TYPE_CHECKING:
    from torch import Tensor

FOREIGN = (".pth", ".pt", ".bin")
KEPT = (".safetensors", ".onnx", ".json", ".txt")
"""Kinds of files that are taken as they are."""


def is_foreign(name: str) -> bool:
    """Returns whether a file is converted, so that it takes room twice for a while."""
    return name.endswith(FOREIGN)


def converted_name(name: str) -> str:
    """Returns the name of the safetensors file that is made of a foreign file, in the same folder."""
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem.replace('pytorch_model', 'model')}.safetensors"))


def keep(key: str, published: Path, target: Path, take: Callable[[Path, Path], object]) -> None:
    """Takes one published file into a network's folder, converted where it must be.

    The file itself stays: should the disk be full, it need not come again.

    Args:
        key: The network's key below ``models``; ``lpips`` and ``inception`` have forms of their own.
        published: The file.
        target: Where it would go under its published name; what is made of it goes beside.
        take: Puts a file that needs no conversion at another path: :func:`link`, or a copy.

    Raises:
        FetchError: If it is of another kind, or holds something else than tensors.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix in KEPT:
        take(published, target)
        return
    if target.suffix not in FOREIGN:
        raise FetchError(f"{target.name}: expected one of {', '.join(FOREIGN + KEPT)}")
    state = read_foreign(published)
    if key == "lpips":
        from hypnos_pipeline.models.lpips import save_alexnet_lpips

        save_alexnet_lpips(state, lpips_heads(), target.parent)
    elif key == "inception":
        from hypnos_pipeline.models.inception import save_fid_inception

        save_fid_inception(state, target.parent)
    else:
        _save(state, target.with_name(converted_name(target.name)))


def read_foreign(file: Path) -> dict[str, Tensor]:
    """Reads a state of tensors from a pickled file without running any code in it.

    Raises:
        FetchError: If it is no such file.
    """
    from pickle import UnpicklingError

    import torch

    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise FetchError(f"{file.name}: not a file of weights alone ({reason})") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FetchError(f"{file.name}: expected tensors by name and nothing else")
    return state


def lpips_heads() -> list[Tensor]:
    """Returns AlexNet's linear heads (version 0.1) from the ``lpips`` package, C weights each."""
    from importlib.util import find_spec

    package = find_spec("lpips")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package 'lpips', which ships the linear heads, is not installed")
    state = read_foreign(Path(package.origin).parent / "weights" / "v0.1" / "alex.pth")
    return [state[f"lin{tap}.model.1.weight"].flatten() for tap in range(5)]


def link(source: Path, target: Path) -> None:
    """Gives a file a second name, which takes no room; a copy where the disk knows no such thing."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copy(source, target)


def _save(state: dict[str, Tensor], file: Path) -> None:
    """Saves tensors; those that share memory, as tied weights do, are written out one by one."""
    from safetensors.torch import save_file

    tensors = {name: tensor.clone().contiguous() for name, tensor in state.items()}
    save_file(tensors, file, metadata={"format": "pt"})
