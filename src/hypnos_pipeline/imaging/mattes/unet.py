"""The architecture of the backend ``network``: a small U-Net."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class MatteUNet(nn.Module):
    """A U-Net (Ronneberger et al. 2015) from images B×3×H×W in [0, 1] to logits of mattes B×1×H×W.

    Args:
        channels: Of its levels, the first at the images' own size and each further one at half of the one
            before; H and W are multiples of 2 to the number of levels less one.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = _convolution(3, channels[0])
        steps = list(pairwise(channels))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(above, below, stride=2), _convolution(below, below))
            for above, below in steps
        )
        self.up = nn.ModuleList(_convolution(below + above, above) for above, below in reversed(steps))
        self.out = nn.Conv2d(channels[0], 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits; a sigmoid makes them mattes in [0, 1]."""
        x = self.stem((images - 0.5) / 0.25)
        levels = [x]
        for layer in self.down:
            levels.append(layer(levels[-1]))
        x = levels.pop()
        for layer in self.up:
            larger = nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = layer(torch.cat([larger, levels.pop()], dim=1))
        return self.out(x)


def _convolution(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )
