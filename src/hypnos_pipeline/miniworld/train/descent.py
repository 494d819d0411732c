"""How every miniature network is trained: AdamW at a rate that rises, stays and falls, perhaps averaged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from hypnos_pipeline.training.driver import Row
from hypnos_pipeline.training.optimisation import Trainee, Updater

if TYPE_CHECKING:
    import torch


class Descent(Trainee):
    """One training of miniature networks.

    Args:
        networks: By name; all their parameters are trained, and their buffers are saved with them.
        loss_at: Step, from 0, to the loss.
        factor_at: Step, from 0, to the factor of all rates.
        rates: Largest learning rate of each network.
        weight_decay: AdamW's.
        betas: AdamW's.
        decay: Of the average of the weights, where the result is to be one.
    """

    def __init__(
        self,
        networks: dict[str, torch.nn.Module],
        loss_at: Callable[[int], torch.Tensor],
        factor_at: Callable[[int], float],
        rates: dict[str, float],
        *,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.99),
        decay: float | None = None,
    ) -> None:
        import torch

        self.loss_at = loss_at
        self.updater = Updater(
            [
                {"params": network.parameters(), "lr": rate}
                for network, rate in zip(networks.values(), rates.values(), strict=True)
            ],
            learning_rate=1.0,
            weight_decay=weight_decay,
            clip_norm=1.0,
            betas=betas,
            rate_key="this training's rate in parameters_miniworld.yml",
            factor=lambda step: factor_at(step - 1),
        )
        super().__init__(networks, {"updater": self.updater})
        self.average = Ema(torch.nn.ModuleDict(networks), decay) if decay else None
        if self.average:
            self.weights["average"] = self.average

    def step(self, step: int) -> Row:
        """Makes one step, counted from 1; returns its loss."""
        loss = self.loss_at(step - 1)
        self.updater.update(loss, step)
        if self.average:
            self.average.update(step - 1)
        return {"loss": float(loss.detach())}


def rate_at(step: int, steps: int, warmup: int, constant: float) -> float:
    """Linear warm-up, constant up to the fraction ``constant`` of all steps, then cosine to 2 %."""
    if step < warmup:
        return (step + 1) / warmup
    start = constant * steps
    if step <= start:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - start) / max(1.0, steps - start))))


class Ema:
    """Exponential moving average of a model's weights, with the usual early bias correction."""

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
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

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Returns the averaged weights by name, not copied."""
        return self.average

    def load_state_dict(self, state_dict: dict[str, torch.Tensor]) -> None:
        """Puts back what :meth:`state_dict` returned."""
        for name, average in self.average.items():
            average.copy_(state_dict[name])
