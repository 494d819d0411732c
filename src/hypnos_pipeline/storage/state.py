"""One saved state: a folder of safetensors and JSON with checksums, so that damage is always noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypnos_pipeline.storage.hashing import file_sha256
from hypnos_pipeline.storage.replacing import replaced_folder

if TYPE_CHECKING:
    import torch

FORMAT = 2
SHARD_BYTES = 128 * 2**20
"""Tensors are written in files of about this size, because safetensors copies a file's content in memory."""
_DESCRIPTION = "state.json"


class InvalidState(Exception):
    """A folder that this run cannot resume from; the message says why."""


@dataclass(frozen=True)
class State:
    """A run's state after a step.

    Attributes:
        step: The last finished step.
        tensors: By name, on the CPU.
        values: JSON types.
    """

    step: int
    tensors: dict[str, torch.Tensor]
    values: dict[str, Any]


def write_state(
    folder: Path, key: str, step: int, tensors: dict[str, torch.Tensor], values: dict[str, Any]
) -> None:
    """Writes a state; whenever the process is killed, the folder holds all of it or is missing.

    Args:
        folder: Replaced.
        key: The run's.
        step: The last finished step.
        tensors: On any device; about ``SHARD_BYTES`` of them are copied at a time.
        values: JSON types.

    Raises:
        StorageFull: If there is no room for it.
        OSError: If it cannot be written for another reason.
    """
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    with replaced_folder(folder) as partial:
        files = {}
        for number, shard in enumerate(_shards(tensors)):
            file = partial / f"tensors_{number:03d}.safetensors"
            # Copies: safetensors refuses tensors that share memory.
            save_file({name: each.detach().cpu().clone().contiguous() for name, each in shard}, file)
            files[file.name] = file_sha256(file)
        content = json.dumps({"key": key, "step": step, "files": files, "values": values})
        digest = hashlib.sha256(content.encode()).hexdigest()
        description = f'{{"format": {FORMAT}, "sha256": "{digest}", "content": {content}}}\n'
        (partial / _DESCRIPTION).write_text(description, encoding="utf-8")


def read_state(folder: Path, key: str) -> State:
    """Reads a state.

    Raises:
        InvalidState: If it is damaged, of another format or another run's.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    content = _read_description(folder / _DESCRIPTION)
    if content["key"] != key:
        raise InvalidState(f"it belongs to another run, {content['key']}")
    tensors: dict[str, torch.Tensor] = {}
    for name, digest in content["files"].items():
        try:
            if file_sha256(folder / name) != digest:
                raise InvalidState(f"{name} is not what was saved")
            tensors |= load_file(folder / name)
        except FileNotFoundError:
            raise InvalidState(f"{name} is missing") from None
        except (OSError, SafetensorError) as error:
            raise InvalidState(f"{name} cannot be read: {error}") from error
    return State(content["step"], tensors, content["values"])


def _read_description(file: Path) -> Any:
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidState(f"{file.name} is missing") from None
    except (OSError, ValueError) as error:  # ValueError: neither JSON nor text
        raise InvalidState(f"{file.name} cannot be read: {error}") from error
    found = cast("dict[str, Any]", description) if isinstance(description, dict) else {}
    if (written := found.get("format")) != FORMAT:
        raise InvalidState(f"{file.name} is of format {written}, expected {FORMAT}")
    content = found.get("content")
    if hashlib.sha256(json.dumps(content).encode()).hexdigest() != found.get("sha256"):
        raise InvalidState(f"{file.name} is not what was saved")
    return content


def _shards(tensors: dict[str, torch.Tensor]) -> Iterator[list[tuple[str, torch.Tensor]]]:
    shard: list[tuple[str, torch.Tensor]] = []
    size = 0
    for name, tensor in tensors.items():
        if shard and size + tensor.nbytes > SHARD_BYTES:
            yield shard
            shard, size = [], 0
        shard.append((name, tensor))
        size += tensor.nbytes
    if shard:
        yield shard
