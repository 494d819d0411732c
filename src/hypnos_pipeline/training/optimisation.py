"""One optimiser update with clipping and, in fp16, a gradient scaler; and the state of what it trains."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import DivergedError
from hypnos_pipeline.models.libraries import silence_bitsandbytes
from hypnos_pipeline.models.runtime import deterministic_gradients
from hypnos_pipeline.storage.checkpoints import prefixed, unprefixed

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.training.settings import Schedule

_log = logging.getLogger(__name__)

# A scaler halves its scale at each overflow: after so many in a row the scale is not the reason.
_SKIPS_IN_A_ROW = 30
# torch's default of 2000 would never raise the scale in the paper's 800 steps. An overflow costs one step.
_STEPS_BETWEEN_GROWTH = 100


def rate_factor(schedule: Schedule, steps: int) -> Callable[[int], float]:
    """Returns what multiplies the rate at each step, from 1: 1 at the first, towards 0 after the last."""
    if schedule == "linear":
        return lambda step: 1 - (step - 1) / steps
    if schedule == "cosine":
        return lambda step: (1 + math.cos(math.pi * (step - 1) / steps)) / 2
    return lambda _: 1.0


class Updater:
    """AdamW with clipped gradients and float32 master weights.

    Args:
        parameters: What is trained, float32; or torch's parameter groups, which may have rates of their own.
        learning_rate: Of groups without one of their own; it stays as it is unless there is a ``factor``.
        weight_decay: AdamW's.
        clip_norm: Largest norm of the gradient over all parameters.
        betas: AdamW's.
        kind: ``adamw`` (torch, fused) or ``adamw_8bit`` (bitsandbytes).
        scaled: Whether forward passes run in fp16, so that the loss is scaled.
        rate_key: The configuration key of the learning rate, for the message of a training that diverges.
        factor: What all rates are multiplied by at each step, from 1; see :func:`rate_factor`.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter] | Iterable[dict[str, Any]],
        *,
        learning_rate: float,
        weight_decay: float,
        clip_norm: float,
        betas: tuple[float, float] = (0.9, 0.999),
        kind: str = "adamw",
        scaled: bool = False,
        rate_key: str = "learning_rate",
        factor: Callable[[int], float] | None = None,
    ) -> None:
        import torch

        self.clip_norm, self.rate_key = clip_norm, rate_key
        self.factor = factor
        options: dict[str, Any] = {"lr": learning_rate, "weight_decay": weight_decay, "betas": betas}
        if kind == "adamw_8bit":
            silence_bitsandbytes()
            from bitsandbytes.optim import AdamW8bit

            self.optimiser = AdamW8bit(parameters, **options)
        else:
            self.optimiser = torch.optim.AdamW(parameters, fused=True, **options)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.parameters = [each for group in self.optimiser.param_groups for each in group["params"]]
        self.scaler = torch.amp.GradScaler(
            self.parameters[0].device.type, enabled=scaled, growth_interval=_STEPS_BETWEEN_GROWTH
        )
        self.skipped = 0

    def update(self, loss: torch.Tensor, step: int) -> float | None:
        """Takes one step down the gradient of ``loss``, and frees it, so that nothing holds it between steps.

        Args:
            loss: 0-dim, float32.
            step: The training step, for messages.

        Returns:
            The gradient's norm before clipping; None if the scaler skipped the step (then it must not count).

        Raises:
            DivergedError: If the gradient is not finite and a smaller scale would not help.
        """
        import torch

        if self.factor:
            for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
                group["lr"] = rate * self.factor(step)
        with deterministic_gradients():
            self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_norm))
        finite = norm == norm and norm != float("inf")
        if not finite and (not self.scaler.is_enabled() or self.skipped >= _SKIPS_IN_A_ROW):
            raise DivergedError(
                f"step {step}: loss {loss.item():.6g}, gradient norm {norm}; expected finite values. Lower "
                f"{self.rate_key}; with float16 or bfloat16, runtime.precision: float32 may help as well."
            )
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.release()
        self.skipped = 0 if finite else self.skipped + 1
        if not finite:
            _log.warning("step %d repeated: the gradient overflowed float16", step)
        return norm if finite else None

    @property
    def rate(self) -> float:
        """Returns the rate of the newest step."""
        return self.optimiser.param_groups[0]["lr"]

    def release(self) -> None:
        """Frees the gradient, which is as large as the trained weights."""
        self.optimiser.zero_grad(set_to_none=True)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Returns the optimiser's and scaler's state as tensors and JSON values, named by their path."""
        tensors: dict[str, torch.Tensor] = {}
        values: dict[str, Any] = {"scaler": self.scaler.state_dict(), "skipped": self.skipped}
        _flatten("", self.optimiser.state_dict()["state"], tensors, values)
        return tensors, values

    def restore(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        own = {"scaler", "skipped"}
        self.scaler.load_state_dict(values["scaler"])
        self.skipped = values["skipped"]
        state: dict[Any, Any] = {}
        for path, value in (tensors | values).items():
            if path in own:
                continue
            first, *names = path.split("/")
            inner = state.setdefault(int(first), {})
            for name in names[:-1]:
                inner = inner.setdefault(name, {})
            inner[names[-1]] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})


def _flatten(
    path: str, entries: dict[Any, Any], tensors: dict[str, torch.Tensor], values: dict[str, Any]
) -> None:
    """Sorts nested state (bitsandbytes keeps its own one level deeper) into tensors and values by path."""
    import torch

    for name, value in entries.items():
        if isinstance(value, dict):
            _flatten(f"{path}{name}/", value, tensors, values)
        elif isinstance(value, torch.Tensor):
            tensors[f"{path}{name}"] = value
        else:
            values[f"{path}{name}"] = value


class Trainee:
    """Weights and the updaters that change them, by name: what every checkpoint of a training must hold."""

    def __init__(self, weights: Mapping[str, Any], updaters: Mapping[str, Updater]) -> None:
        self.weights, self.updaters = dict(weights), dict(updaters)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Returns tensors (on their device, not copied) and JSON values."""
        tensors: dict[str, torch.Tensor] = {}
        values: dict[str, Any] = {}
        for name, network in self.weights.items():
            tensors |= prefixed(name, network.state_dict())
        for name, updater in self.updaters.items():
            state, values[name] = updater.state()
            tensors |= prefixed(name, state)
        return tensors, values

    def restore(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Puts back what :meth:`state` returned."""
        for name, network in self.weights.items():
            network.load_state_dict(unprefixed(name, tensors))
        for name, updater in self.updaters.items():
            updater.restore(unprefixed(name, tensors), values[name])
