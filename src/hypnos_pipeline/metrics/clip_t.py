"""Prompt fidelity: cosine of one pretrained CLIP's image and text embeddings (paper 3.5.2; DreamBooth)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hypnos_pipeline.metrics.similarity import cosine_rows

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ClipNetwork


def clip_t(images: Tensor, prompts: list[str], network: ClipNetwork) -> Tensor:
    """Cosine of each image with its own prompt.

    Args:
        images: Float images in [0, 1], N×3×H×W.
        prompts: One for each image, with the class noun in place of rare words, which CLIP does not know.
        network: The pretrained CLIP.

    Returns:
        N float32 values in [-1, 1].
    """
    with torch.no_grad():
        embeddings = network.embed_images(images)
    return clip_t_of_embeddings(embeddings, prompts, network)


@torch.no_grad()
def clip_t_of_embeddings(embeddings: Tensor, prompts: list[str], network: ClipNetwork) -> Tensor:
    """The same from CLIP's image embeddings N×D; each distinct prompt is embedded once."""
    distinct = list(dict.fromkeys(prompts))
    texts = network.embed_texts(distinct)
    return cosine_rows(embeddings, texts[[distinct.index(prompt) for prompt in prompts]]).float()
