"""Resume checkpoints: the whole state of a run, outside the pipeline's outputs, removed when it ends well."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.replacing import replaced_folder

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


def fingerprint(values: Any, tensors: dict[str, torch.Tensor]) -> str:
    """Returns a key of a run's inputs and parameters: sha256 of JSON values and tensors' names and bytes."""
    import torch

    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:32]


class Checkpoints:
    """The newest state of one run in ``<folder>/<key>/step_<n>/``: safetensors and JSON.

    Written beside and renamed, so that a kill at any moment leaves a whole state or none.

    Args:
        folder: Where all runs' checkpoints lie.
        key: :func:`fingerprint` of this run.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / key

    def save(self, step: int, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Saves the state after a step and removes the older ones."""
        from safetensors.torch import save_file

        whole = self.folder / f"step_{step:07d}"
        with replaced_folder(whole) as folder:
            # Copies: safetensors refuses tensors that share memory.
            save_file(
                {name: each.detach().cpu().clone().contiguous() for name, each in tensors.items()},
                folder / "state.safetensors",
            )
            content = json.dumps({"step": step, "values": values})
            (folder / "state.json").write_text(content, encoding="utf-8")
        for older in self.folder.iterdir():  # also what a killed run left half written
            if older != whole:
                shutil.rmtree(older)

    def load(self) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]] | None:
        """Returns step, tensors and values of the newest state, or None if there is none."""
        from safetensors.torch import load_file

        states = self._states()
        if not states:
            return None
        content = json.loads((states[-1] / "state.json").read_text(encoding="utf-8"))
        _log.info("resuming after step %d from %s", content["step"], states[-1])
        return content["step"], load_file(states[-1] / "state.safetensors"), content["values"]

    def remove(self) -> None:
        """Removes the run's checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _states(self) -> list[Path]:
        return sorted(self.folder.glob("step_*"))


def prefixed(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns the entries with ``<prefix>.`` before their names."""
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def unprefixed(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    """Returns the entries whose names begin with ``<prefix>.``, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
