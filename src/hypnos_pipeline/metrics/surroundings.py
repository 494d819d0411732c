"""Images whose object is painted over, so that a network sees the place alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from hypnos_pipeline.metrics.images import to_unit_range

OPAQUE = 0.1
"""A matte's value from which a pixel counts as the object's."""
RIM = 1 / 64
"""How far around the object its colour may still shine, as a fraction of the image's side."""


@torch.no_grad()
def surroundings(images: np.ndarray, mattes: np.ndarray) -> Tensor:
    """Paints each image's object over with the colours around it, blurred the more the farther they are.

    The known pixels are averaged down a pyramid of halved sizes, and each unknown one takes its colour from
    the finest level that knows one (Gortler et al. 1996, "push-pull"). A plain fill would leave a silhouette
    that a network recognises.

    Args:
        images: N×S×S×3 uint8.
        mattes: N×S×S float32 in [0, 1].

    Returns:
        Float32 in [0, 1], N×3×S×S; black where an image has no background at all.
    """
    pixels = to_unit_range(images)
    reach = max(1, round(RIM * images.shape[1]))
    opaque = torch.from_numpy(mattes)[:, None] > OPAQUE
    known = 1 - max_pool2d(opaque.float(), 2 * reach + 1, 1, reach)
    sums, weights = [pixels * known], [known]
    while weights[-1].shape[-1] > 1:
        sums.append(avg_pool2d(sums[-1], 2, ceil_mode=True))
        weights.append(avg_pool2d(weights[-1], 2, ceil_mode=True))
    filled = torch.zeros_like(sums[-1])
    for colours, weight in zip(reversed(sums), reversed(weights), strict=True):
        coarse = interpolate(filled, size=weight.shape[-2:], mode="bilinear", align_corners=False)
        filled = torch.where(weight > 0, colours / weight.clamp_min(1e-6), coarse)
    return filled
