"""Likeness to views of the object that no method has seen, which a copied photo does not raise.

DINO against the photos (paper 3.5.2) is highest where a photo is repeated with everything around the object.
The unseen views show the object elsewhere and from other sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hypnos_pipeline.metrics.similarity import cosine_matrix

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ImageEncoder


@torch.no_grad()
def unseen_dino(images: Tensor, views: Tensor, network: ImageEncoder) -> Tensor:
    """Returns each image's mean cosine with all unseen views; higher is better.

    Args:
        images: Float images in [0, 1], N×3×H×W.
        views: Float images in [0, 1], M×3×H×W.
        network: Embeds images into N×D; it does its own preprocessing.

    Returns:
        N float64 values in [-1, 1].
    """
    return unseen_dino_of_embeddings(network.embed(images), network.embed(views))


def unseen_dino_of_embeddings(images: Tensor, views: Tensor) -> Tensor:
    """The same from embeddings N×D and M×D."""
    return cosine_matrix(images, views).mean(dim=1)
