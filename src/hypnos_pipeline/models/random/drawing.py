"""Random weights that depend on a seed alone, and images to calibrate them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hypnos_pipeline.randomness import generator, seed_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

Network = TypeVar("Network", bound="torch.nn.Module")
_CALIBRATION_IMAGES = 8
SMALLEST_VARIANCE = 0.1
"""Of a channel, as a fraction of its layer's mean."""


def drawn(make: Callable[[], Network], seed: int, part: str) -> Network:
    """Builds a network whose library draws the weights itself; torch's global generator is left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, f"random_networks/{part}"))
        return make().eval()


def synthetic_images(seed: int, edge: int, count: int = _CALIBRATION_IMAGES) -> torch.Tensor:
    """Returns random pictures, from smooth to coarse noise, float in [0, 1], N×3×edge×edge."""
    import torch
    from torch.nn.functional import interpolate

    draws = generator(seed, "random_networks/images")
    grain = torch.linspace(0, 4, count).view(-1, 1, 1, 1)
    pictures = grain * torch.randn(count, 3, edge, edge, generator=draws)
    for level, cells in enumerate((2, 4, 8, 16, 32), start=1):
        noise = torch.randn(count, 3, cells, cells, generator=draws)
        pictures += interpolate(noise, (edge, edge), mode="bilinear") / level
    return torch.sigmoid(pictures)


def calibrate(network: torch.nn.Module, inputs: torch.Tensor, batch: int = 8) -> None:
    """Sets the running statistics of every batch normalisation to those of some inputs.

    Random weights with statistics that belong to others let activations vanish or overflow layer by layer.
    The inputs are as the network reads them, N×3×H×W.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over batches
        layer.train()
    with torch.no_grad():
        for part in inputs.split(batch):
            network(part)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
        # A channel that hardly varies here would blow up whatever varies in other images.
        layer.running_var.clamp_(min=float(layer.running_var.mean()) * SMALLEST_VARIANCE)
        # Threads and kinds of CPU sum in another order; what is left after rounding is the same for all.
        for statistic in (layer.running_mean, layer.running_var):
            statistic.copy_(statistic.bfloat16().float())
