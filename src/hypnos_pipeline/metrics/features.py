"""The networks of the metrics; each image's features computed once for all metrics that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hypnos_pipeline.metrics.images import in_batches, to_unit_range
from hypnos_pipeline.metrics.lpips import PerceptualNetwork, unit_taps
from hypnos_pipeline.metrics.registry import in_order
from hypnos_pipeline.models.frechet import load_frechet_network
from hypnos_pipeline.models.frechet_features import FrechetFeatures, FrechetNetwork
from hypnos_pipeline.models.lpips import load_lpips_network

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ClipNetwork, ImageEncoder
    from hypnos_pipeline.models.settings import ModelReference


@dataclass(frozen=True)
class MetricNetworks:
    """The networks that the chosen metrics need; None for those that none of them needs."""

    device: torch.device
    dino: ImageEncoder | None = None
    clip: ClipNetwork | None = None
    clip_b32: ClipNetwork | None = None
    inception: FrechetNetwork | None = None
    lpips: PerceptualNetwork | None = None


def load_metric_networks(
    models: Mapping[str, ModelReference], metrics: Iterable[str], device: torch.device
) -> MetricNetworks:
    """Loads the networks that the metrics need; those of an earlier evaluation may still be loaded."""
    from hypnos_pipeline.models.networks import load_clip, load_vit
    from hypnos_pipeline.models.reference import locate_all

    loaders = {
        "dino": load_vit,
        "clip": load_clip,
        "clip_b32": load_clip,
        "inception": load_frechet_network,
        "lpips": load_lpips_network,
    }
    needed = sorted({metric.network for metric in in_order(metrics) if metric.network})
    folders = locate_all({f"models.{name}": models[name] for name in needed})
    # The loaders keep what they loaded by absolute folder and device.
    loaded = {name: loaders[name](folders[f"models.{name}"].resolve(), str(device)) for name in needed}
    return MetricNetworks(device=device, **loaded)


class ImageFeatures:
    """Features of one set of images, each computed at its first use and kept."""

    def __init__(self, images: np.ndarray, networks: MetricNetworks, batch: int) -> None:
        """Takes uint8 images N×H×W×3; ``batch`` of them go through a network at a time."""
        self.images = images
        self.networks = networks
        self.batch = batch
        self._embeddings: dict[str, Tensor] = {}

    def map(self, function: Callable[[Tensor], Tensor], rows: Sequence[int] | None = None) -> Tensor:
        """Applies a function of float images B×3×H×W in [0, 1] batch by batch; its rows, on the CPU.

        Args:
            function: See ``images.in_batches``.
            rows: Which images; None for all.
        """
        return in_batches(self.images if rows is None else self.images[list(rows)], function, self.batch)

    @cached_property
    def pixels(self) -> Tensor:
        """Float32 in [0, 1], N×3×H×W, on the networks' device; for the few photos only."""
        return to_unit_range(self.images).to(self.networks.device)

    def embeddings(self, network: str) -> Tensor:
        """Embeddings N×D by ``dino``, ``clip`` or ``clip_b32``, shared by all metrics of the network."""
        if network not in self._embeddings:
            loaded = getattr(self.networks, network)
            self._embeddings[network] = self.map(loaded.embed if network == "dino" else loaded.embed_images)
        return self._embeddings[network]

    @cached_property
    def frechet(self) -> FrechetFeatures:
        """Features of ``fid``, ``fid_64`` and ``kid``."""
        kept, network = [], self.networks.inception
        assert network is not None

        def final(images: Tensor) -> Tensor:
            kept.append(network.embed(images))
            return kept[-1].final

        return FrechetFeatures(self.map(final), torch.cat([each.early.cpu() for each in kept]))

    @cached_property
    def lpips_taps(self) -> list[Tensor]:
        """LPIPS's unit maps of all images, on the network's device; for the few photos only."""
        assert self.networks.lpips is not None
        return unit_taps(self.pixels, self.networks.lpips)
