"""How much the images of one prompt differ from each other (paper 4.2.1, 0.E.1, 0.F; DreamBooth's DIV).

DreamBooth (Ruiz et al. 2023, 4.3) takes the mean LPIPS between images of one prompt. Here each image has a
value, its mean distance to the others, so that methods can be compared image by image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hypnos_pipeline.metrics.images import to_unit_range
from hypnos_pipeline.metrics.lpips import PerceptualNetwork, lpips


def diversity(
    images: np.ndarray,
    prompts: Sequence[str],
    network: PerceptualNetwork,
    batch: int = 32,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Returns each image's mean LPIPS to the other images of its prompt; higher is more diverse.

    Args:
        images: N×H×W×3 uint8 sRGB.
        prompts: One for each image.
        network: LPIPS's.
        batch: Images whose features are held at a time, twice.
        device: The network's.

    Returns:
        N float64 values of at least 0; NaN where an image is the only one of its prompt.
    """
    values = np.full(len(images), np.nan)
    for prompt in dict.fromkeys(prompts):
        own = [row for row, other in enumerate(prompts) if other == prompt]
        if len(own) > 1:
            same = to_unit_range(images[own]).to(device)
            # Few references at a time: their maps are large.
            sums = [lpips(same, some, network, batch).double().sum(dim=1) for some in same.split(batch)]
            values[own] = (torch.stack(sums).sum(dim=0) / (len(own) - 1)).cpu().numpy()
    return values
