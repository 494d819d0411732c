"""A timm network's pooled features and the maps of its stages, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module


class TimmTaps:
    """Runs a timm convolutional network once, for its pooled features and the maps of its stages.

    Attributes:
        channels: Channels of each map, as the network's ``feature_info`` lists them.
    """

    def __init__(self, network: Any) -> None:
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
        maps: dict[int, Tensor] = {}
        with ExitStack() as hooks:
            for position, stage in enumerate(self._stages):
                hooks.callback(stage.register_forward_hook(_keep_in(maps, position)).remove)
            final = self._network.forward_head(self._network.forward_features(normalised), pre_logits=True)
        return final, [maps[position] for position in range(len(self._stages))]


def _keep_in(maps: dict[int, Tensor], position: int) -> Callable[[Module, Any, Tensor], None]:
    def hook(_module: Module, _inputs: Any, output: Tensor) -> None:
        maps[position] = output

    return hook
