"""The network of the Fréchet and kernel distances: FID's own Inception, or any timm network."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from torch.nn import Module
from torch.nn.functional import interpolate

from hypnos_pipeline.models.frechet_features import FID_INCEPTION, FrechetFeatures, FrechetNetwork
from hypnos_pipeline.models.kept import kept
from hypnos_pipeline.models.networks import architecture_of, load_timm
from hypnos_pipeline.models.taps import TimmTaps

EARLY_CHANNELS = 64


class TimmFrechetNetwork:
    """Any timm convolutional network as the network of the Fréchet distances."""

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


@kept
def load_frechet_network(folder: Path, device: str = "cpu") -> FrechetNetwork:
    """Loads the Fréchet and kernel distances' network; the folder's ``config.json`` names it."""
    if architecture_of(folder) == FID_INCEPTION:
        from hypnos_pipeline.models.inception import load_fid_inception

        return load_fid_inception(folder, device)
    return TimmFrechetNetwork(load_timm(folder, device))
