"""One optimiser update with clipping and, in fp16, a gradient scaler."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

_log = logging.getLogger(__name__)

# A scaler halves its scale at each overflow; from 2¹⁶ it is below 1e-4 after so many.
_SKIPS_IN_A_ROW = 30


class DivergedError(FloatingPointError):
    """A loss or gradient is no longer finite."""


class Updater:
    """AdamW with a constant rate, clipped gradients and float32 master weights.

    Args:
        parameters: What is trained, float32.
        learning_rate: Constant; no warm-up.
        weight_decay: AdamW's.
        clip_norm: Largest norm of the gradient over all parameters.
        kind: ``adamw`` (torch, fused) or ``adamw_8bit`` (bitsandbytes).
        scaled: Whether forward passes run in fp16, so that the loss is scaled.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        *,
        learning_rate: float,
        weight_decay: float,
        clip_norm: float,
        kind: str = "adamw",
        scaled: bool = False,
    ) -> None:
        import torch

        self.parameters = list(parameters)
        self.clip_norm = clip_norm
        device = self.parameters[0].device.type
        options = {"lr": learning_rate, "weight_decay": weight_decay}
        if kind == "adamw_8bit":
            from bitsandbytes.optim import AdamW8bit

            self.optimiser = AdamW8bit(self.parameters, **options)
        else:
            self.optimiser = torch.optim.AdamW(self.parameters, fused=True, **options)
        self.scaler = torch.amp.GradScaler(device, enabled=scaled)
        self.skipped = 0

    def update(self, loss: torch.Tensor, step: int) -> float | None:
        """Takes one step down the gradient of ``loss``.

        Args:
            loss: 0-dim, float32.
            step: The training step, for the error message.

        Returns:
            The gradient's norm before clipping; None if the scaler skipped the step (then it must not count).

        Raises:
            DivergedError: If the gradient is not finite and no smaller scale can mend it.
        """
        import torch

        self.release()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_norm))
        finite = norm == norm and norm != float("inf")
        if not finite and (not self.scaler.is_enabled() or self.skipped >= _SKIPS_IN_A_ROW):
            raise DivergedError(
                f"step {step}: loss {loss.item():.6g}, gradient norm {norm}; expected finite values. "
                "A lower learning rate or, in half precision, bfloat16 or float32 may mend it."
            )
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.skipped = 0 if finite else self.skipped + 1
        if not finite:
            _log.warning("step %d repeated: the gradient overflowed float16", step)
        return norm if finite else None

    def release(self) -> None:
        """Frees the last gradient, which is as large as the trained weights, before memory is needed anew."""
        self.optimiser.zero_grad(set_to_none=True)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Returns the optimiser's and scaler's state as tensors and JSON values, named by their path."""
        tensors: dict[str, torch.Tensor] = {}
        values: dict[str, Any] = {"scaler": self.scaler.state_dict(), "skipped": self.skipped}
        _flatten("", self.optimiser.state_dict()["state"], tensors, values)
        return tensors, values

    def restore(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Restores what :meth:`state` gave."""
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
