"""How near a generated image comes to a photo: low where a photo was copied (paper 4.1.2, 4.2.1)."""

from __future__ import annotations

from torch import Tensor


def copying(distances: Tensor) -> Tensor:
    """Returns each image's perceptual distance to its nearest photo.

    A copy is near 0, a new view of the same object in another place far. Neither end is better: an image of
    another object is farther still.

    Args:
        distances: LPIPS of each image to each photo, N×M (see ``metrics.lpips``).

    Returns:
        N values of at least 0.
    """
    return distances.min(dim=1).values
