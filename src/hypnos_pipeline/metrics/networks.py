"""The networks behind the Fréchet and kernel distances and LPIPS, each with its own preprocessing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import interpolate

from hypnos_pipeline.metrics.settings import FID_INCEPTION

EARLY_CHANNELS = 64
ALEXNET_TAPS = (1, 4, 7, 9, 11)
ALEXNET_LPIPS = "alexnet_lpips"


@dataclass(frozen=True)
class FrechetFeatures:
    """What the set metrics read of each image.

    Attributes:
        final: The network's pooled features before any classifier, N×D (2048 of Inception).
        early: Its early 64-channel tap averaged over positions, N×64.
    """

    final: Tensor
    early: Tensor

    def rows(self, positions: list[int]) -> FrechetFeatures:
        """Returns the features of some of the images."""
        return FrechetFeatures(self.final[positions], self.early[positions])


class FrechetNetwork(Protocol):
    """Any network of ``fid``, ``fid_64`` and ``kid``; both features may have preprocessing of their own."""

    def embed(self, images: Tensor) -> FrechetFeatures:
        """Embeds float images B×3×H×W in [0, 1]."""
        ...


class TimmTaps:
    """Runs a timm convolutional network once, for its pooled features and the maps of its stages.

    Attributes:
        channels: Channels of each map, as the network's ``feature_info`` lists them.
    """

    def __init__(self, network: Module) -> None:
        """Takes a frozen timm network with ``feature_info``; others may share it, it is not changed."""
        if not getattr(network, "feature_info", None):
            raise ValueError(f"{type(network).__name__} lists no stages in feature_info")
        self._network = network
        stages = [dict(stage) for stage in network.feature_info]
        self.channels = [int(stage["num_chs"]) for stage in stages]
        self._stages = [network.get_submodule(stage["module"]) for stage in stages]
        configuration = network.pretrained_cfg
        self.size = tuple(configuration["input_size"][-2:])
        device = self.device
        self._mean = torch.tensor(configuration["mean"], device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(configuration["std"], device=device).view(1, 3, 1, 1)

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return next(self._network.parameters()).device

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns the pooled features B×D and the maps B×C×H'×W' of images B×3×H×W in [0, 1]."""
        normalised = (images.to(self.device) - self._mean) / self._std
        network: Any = self._network
        maps: dict[int, Tensor] = {}
        with ExitStack() as hooks:
            for position, stage in enumerate(self._stages):
                hooks.callback(stage.register_forward_hook(_keep_in(maps, position)).remove)
            final = network.forward_head(network.forward_features(normalised), pre_logits=True)
        return final, [maps[position] for position in range(len(self._stages))]


def _keep_in(maps: dict[int, Tensor], position: int) -> Callable[[Module, Any, Tensor], None]:
    def hook(_module: Module, _inputs: Any, output: Tensor) -> None:
        maps[position] = output

    return hook


class TimmFrechetNetwork:
    """Any timm convolutional network in Inception's place."""

    def __init__(self, network: Module) -> None:
        """Takes as early tap the first of 64 channels; where there is none, the earliest stage."""
        self._taps = TimmTaps(network)
        channels = self._taps.channels
        self._early = channels.index(EARLY_CHANNELS) if EARLY_CHANNELS in channels else 0

    def embed(self, images: Tensor) -> FrechetFeatures:
        """Embeds float images B×3×H×W in [0, 1], resized (bicubic, antialiased) to the network's own size."""
        if tuple(images.shape[2:]) != self._taps.size:
            images = interpolate(images, self._taps.size, mode="bicubic", antialias=True).clamp(0, 1)
        final, maps = self._taps(images)
        return FrechetFeatures(final, maps[self._early].mean((2, 3)))


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

    def __init__(self, backbone: dict[str, Tensor], heads: list[Tensor]) -> None:
        """Builds the network from weights.

        Args:
            backbone: torchvision AlexNet's state; keys ``features.*`` are used.
            heads: The five linear heads, C weights each.
        """
        from torchvision.models import alexnet

        features = alexnet(weights=None).features
        prefix = "features."
        own = {key.removeprefix(prefix): value for key, value in backbone.items() if key.startswith(prefix)}
        features.load_state_dict(own)
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
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.contiguous() for key, value in backbone.items() if key.startswith("features.")}
    tensors |= {f"heads.{tap}": head.flatten().contiguous() for tap, head in enumerate(heads)}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"architecture": ALEXNET_LPIPS}) + "\n", encoding="utf-8")


@lru_cache(maxsize=4)
def load_lpips_network(folder: Path, device: str = "cpu") -> TimmLpipsNetwork | AlexNetLpipsNetwork:
    """Loads LPIPS's network; ``architecture`` in the folder's ``config.json`` says which it is."""
    from hypnos_pipeline.models.networks import load_timm

    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if configuration.get("architecture") != ALEXNET_LPIPS:
        return TimmLpipsNetwork(load_timm(folder, device))
    from safetensors.torch import load_file

    tensors = load_file(folder / "model.safetensors")
    heads = [tensors.pop(f"heads.{tap}") for tap in range(len(ALEXNET_TAPS))]
    return AlexNetLpipsNetwork(tensors, heads).to(device)


@lru_cache(maxsize=4)
def load_frechet_network(folder: Path, device: str = "cpu") -> FrechetNetwork:
    """Loads the Fréchet and kernel distances' network; the folder's ``config.json`` says which it is."""
    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if configuration.get("architecture") == FID_INCEPTION:
        from hypnos_pipeline.metrics.inception import load_fid_inception

        return load_fid_inception(folder, device)
    from hypnos_pipeline.models.networks import load_timm

    return TimmFrechetNetwork(load_timm(folder, device))
