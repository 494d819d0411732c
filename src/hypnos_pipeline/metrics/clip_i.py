"""Subject fidelity: cosine of CLIP's image embeddings (paper 3.5.2; DreamBooth)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hypnos_pipeline.metrics.similarity import cosine_matrix

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ClipNetwork


@torch.no_grad()
def clip_i(a: Tensor, b: Tensor, network: ClipNetwork) -> Tensor:
    """Cosine of each image of ``a`` with each of ``b``; the network does its own preprocessing.

    Args:
        a: Float images in [0, 1], N×3×H×W.
        b: Float images in [0, 1], M×3×H×W.
        network: Embeds images into N×D.

    Returns:
        N×M float32 matrix in [-1, 1].
    """
    return cosine_matrix(network.embed_images(a), network.embed_images(b)).float()
