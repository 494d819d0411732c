"""LPIPS's network: AlexNet with the published heads, or any timm network with uniform ones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import Module

from hypnos_pipeline.models.kept import kept
from hypnos_pipeline.models.loaded_weights import filled, require_all, require_finite
from hypnos_pipeline.models.networks import architecture_of, load_timm, save_named
from hypnos_pipeline.models.taps import TimmTaps

ALEXNET_TAPS = (1, 4, 7, 9, 11)
ALEXNET_WIDTHS = (64, 192, 384, 256, 256)
"""Channels of the five maps."""
ALEXNET_LPIPS = "alexnet_lpips"


class TimmLpipsNetwork:
    """A timm convolutional network with uniform heads: the mean over stages of the squared difference."""

    def __init__(self, network: Module) -> None:
        """Gives every channel of every stage the weight 1 / number of stages."""
        self._taps = TimmTaps(network)
        channels = self._taps.channels
        self.heads = [torch.full((count,), 1 / len(channels)) for count in channels]

    def taps(self, images: Tensor) -> list[Tensor]:
        """Returns the stages' maps of images B×3×H×W in [0, 1] at the size they come in."""
        return self._taps(images)[1]


class AlexNetLpipsNetwork:
    """LPIPS as published: AlexNet's five rectified maps and the linear heads fitted to human judgements."""

    def __init__(
        self, backbone: dict[str, Tensor], heads: list[Tensor], where: object = ALEXNET_LPIPS
    ) -> None:
        """Takes ``features.*`` of torchvision AlexNet's state and the five linear heads, C weights each.

        ``where`` they come from is named should they be others.
        """
        from torchvision.models import alexnet

        features = alexnet(weights=None).features
        prefix = "features."
        own = {key.removeprefix(prefix): value for key, value in backbone.items() if key.startswith(prefix)}
        filled(features, own, where)
        self._features = features[: ALEXNET_TAPS[-1] + 1].eval().requires_grad_(False)
        self.heads = [head.flatten().float() for head in heads]
        # LPIPS's own normalisation of images in [-1, 1].
        self._shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
        self._scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)

    def to(self, device: torch.device | str) -> AlexNetLpipsNetwork:
        """Moves the network in place and returns it."""
        self._features.to(device)
        self._shift, self._scale = self._shift.to(device), self._scale.to(device)
        return self

    @torch.no_grad()
    def taps(self, images: Tensor) -> list[Tensor]:
        """Returns the five maps of images B×3×H×W in [0, 1] at the size they come in."""
        state = (2 * images.to(self._shift.device) - 1 - self._shift) / self._scale
        maps = []
        for position, layer in enumerate(self._features):
            state = layer(state)
            if position in ALEXNET_TAPS:
                maps.append(state)
        return maps


def save_alexnet_lpips(backbone: dict[str, Tensor], heads: list[Tensor], folder: Path) -> None:
    """Writes a folder that :func:`load_lpips_network` reads: AlexNet and heads in one safetensors file."""
    tensors = {key: value for key, value in backbone.items() if key.startswith("features.")}
    tensors |= {f"heads.{tap}": head.flatten() for tap, head in enumerate(heads)}
    save_named(tensors, ALEXNET_LPIPS, folder)


@kept
def load_lpips_network(folder: Path, device: str = "cpu") -> TimmLpipsNetwork | AlexNetLpipsNetwork:
    """Loads LPIPS's network; ``architecture`` in the folder's ``config.json`` names it.

    Raises:
        UnusableNetwork: If weights are missing, left over, or of another shape.
        NotFinite: If they hold NaN or infinity.
    """
    if architecture_of(folder) != ALEXNET_LPIPS:
        return TimmLpipsNetwork(load_timm(folder, device))
    from safetensors.torch import load_file

    file = folder / "model.safetensors"
    tensors, widths = load_file(file), {f"heads.{tap}": width for tap, width in enumerate(ALEXNET_WIDTHS)}
    misshapen = [name for name, width in widths.items() if name in tensors and len(tensors[name]) != width]
    require_all(file, widths.keys() - tensors.keys(), misshapen=misshapen)
    require_finite(file, tensors, [file])
    heads = [tensors.pop(name) for name in widths]
    return AlexNetLpipsNetwork(tensors, heads, file).to(device)
