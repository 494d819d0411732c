"""Image batches as metrics take them: float in [0, 1], N×3×H×W."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def to_unit_range(images: np.ndarray) -> Tensor:
    """Turns uint8 images N×H×W×3 into float32 N×3×H×W in [0, 1]."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"expected uint8 images N×H×W×3, got {images.dtype} {images.shape}")
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255)


@torch.no_grad()
def in_batches(images: np.ndarray, function: Callable[[Tensor], Tensor], batch: int) -> Tensor:
    """Applies a function to uint8 images batch by batch, so that only one batch is float at a time.

    Args:
        images: uint8, N×H×W×3.
        function: Takes float32 [0, 1] B×3×H×W, returns a tensor of B rows.
        batch: Largest B.

    Returns:
        The rows of all batches, on the CPU.
    """
    starts = range(0, len(images), batch)
    return torch.cat([function(to_unit_range(images[i : i + batch])).cpu() for i in starts])


def check_same_size(a: Tensor, b: Tensor) -> None:
    """Raises ValueError unless both are float batches N×3×H×W, M×3×H×W of one size."""
    for images in (a, b):
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"expected float images N×3×H×W in [0, 1], got {images.dtype} {tuple(images.shape)}"
            )
    if a.shape[2:] != b.shape[2:]:
        raise ValueError(f"images differ in size: {tuple(a.shape[2:])} and {tuple(b.shape[2:])}")
