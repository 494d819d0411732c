"""What the trainers of the miniature world share: their state, their result, their rate and average."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.storage.checkpoints import Checkpoints, prefixed, unprefixed
from hypnos_pipeline.storage.fingerprint import fingerprint
from hypnos_pipeline.storage.hashing import file_sha256
from hypnos_pipeline.storage.leftovers import set_aside
from hypnos_pipeline.storage.replacing import replaced_file

if TYPE_CHECKING:
    import torch


class Training:
    """Networks in training, their optimiser and, where there is one, their average, as one state.

    Args:
        networks: By name; with their buffers they are the state, not their parameters alone.
        optimizer: AdamW over their parameters.
        ema: The average of them.
    """

    def __init__(
        self,
        networks: dict[str, torch.nn.Module],
        optimizer: torch.optim.Optimizer,
        ema: Ema | None = None,
    ) -> None:
        self.networks, self.optimizer, self.ema = networks, optimizer, ema

    def tensors(self) -> dict[str, torch.Tensor]:
        """Returns the whole state by name, not copied."""
        found = {"optimizer": _optimizer_tensors(self.optimizer), "ema": self.ema.average if self.ema else {}}
        found |= {f"model.{name}": network.state_dict() for name, network in self.networks.items()}
        return {name: tensor for part, each in found.items() for name, tensor in prefixed(part, each).items()}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Puts back what :meth:`tensors` gave."""
        for name, network in self.networks.items():
            network.load_state_dict(unprefixed(f"model.{name}", tensors))
        for name, average in (self.ema.average if self.ema else {}).items():
            average.copy_(tensors[f"ema.{name}"])
        _restore_optimizer(self.optimizer, unprefixed("optimizer", tensors))

    def resume(self, saved: Checkpoints | None) -> int:
        """Puts the newest saved state back; returns the steps done by then."""
        state = saved.load() if saved else None
        if state is None:
            return 0
        self.restore(state.tensors)
        return state.step

    def save(self, saved: Checkpoints | None, done: int, steps: int) -> None:
        """Saves the state when it is due, and always after the last step."""
        if saved and (done == steps or saved.due(done)):
            saved.save(done, self.tensors(), {})


def training_key(name: str, values: list[Any], files: list[Path]) -> str:
    """Returns a digest of everything that a training's result depends on.

    Args:
        name: Of the training.
        values: Its settings and seed, JSON types.
        files: Its data.
    """
    return fingerprint([name, values, [file_sha256(file) for file in files]], {})


def save_result(path: Path, ema: Ema, step: int, key: str) -> None:
    """Writes a training's averaged weights, its steps and its :func:`training_key`."""
    from safetensors.torch import save_file

    with replaced_file(path) as part:
        tensors = {name: each.clone().contiguous() for name, each in prefixed("ema", ema.average).items()}
        # One entry: several would stand in an order that changes from run to run.
        save_file(tensors, part, metadata={"made": json.dumps({"step": step, "key": key})})


def load_result(path: Path) -> tuple[dict[str, torch.Tensor], int]:
    """Returns the averaged weights that :func:`save_result` wrote, and the steps."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return unprefixed("ema", tensors), _made(file)["step"]


def _made(file: Any) -> dict[str, Any]:
    return json.loads((file.metadata() or {}).get("made", "{}"))


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


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Flattens an AdamW's state to named tensors."""
    return {
        f"{index}.{name}": value
        for index, entry in optimizer.state_dict()["state"].items()
        for name, value in entry.items()
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Puts back what :func:`_optimizer_tensors` took out."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def rate_at(step: int, steps: int, warmup: int, constant: float) -> float:
    """Linear warm-up, constant up to the fraction ``constant`` of all steps, then cosine to 2 %."""
    if step < warmup:
        return (step + 1) / warmup
    start = constant * steps
    if step <= start:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - start) / max(1.0, steps - start))))


class Ema:
    """Exponential moving average of a model's parameters, with the usual early bias correction."""

    def __init__(self, model, decay: float) -> None:
        self.decay = decay
        self.average = {k: v.detach().clone() for k, v in model.state_dict().items() if v.is_floating_point()}
        self.parameters = {k: v for k, v in model.state_dict(keep_vars=True).items() if k in self.average}

    def update(self, step: int) -> None:
        """Moves the average; ``step`` counts from 0."""
        import torch

        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            list(self.average.values()), [p.detach() for p in self.parameters.values()], 1 - decay
        )
