"""What ``fid``, ``fid_64`` and ``kid`` read of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

FID_INCEPTION = "fid_inception_v3"
"""``architecture`` in the configuration of a folder that holds FID's own Inception."""


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
