"""Training state as one safetensors file, replaced atomically, and the helpers every trainer shares."""

from __future__ import annotations

import math
import os
from pathlib import Path


def save_state(path: Path, tensors: dict, step: int) -> None:
    """Writes tensors and the number of finished steps."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file(
        {k: v.detach().clone().contiguous() for k, v in tensors.items()}, part, metadata={"step": str(step)}
    )
    os.replace(part, path)


def load_state(path: Path) -> tuple[dict, int]:
    """Reads what :func:`save_state` wrote."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, int(file.metadata()["step"])  # noqa: SIM118


def optimizer_tensors(optimizer) -> dict:
    """Flattens an AdamW's state to named tensors."""
    return {
        f"optimizer.{index}.{name}": value
        for index, entry in optimizer.state_dict()["state"].items()
        for name, value in entry.items()
    }


def restore_optimizer(optimizer, tensors: dict) -> None:
    """Puts back what :func:`optimizer_tensors` took out."""
    state: dict = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
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
