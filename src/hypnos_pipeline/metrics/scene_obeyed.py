"""Whether the scene shown is the one requested (method.md §9; paper 4.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from hypnos_pipeline.metrics.similarity import cosine_matrix
from hypnos_pipeline.metrics.surroundings import surroundings

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ClipNetwork

TEMPLATES = ("{}", "a photo {}", "a photo of {}", "a painting {}")
"""What a scene's words are put into; the mean embedding stands for the scene (Radford et al. 2021)."""


def scene_obeyed(
    samples: np.ndarray,
    sample_mattes: np.ndarray,
    scenes: Sequence[str],
    photos: np.ndarray,
    photo_mattes: np.ndarray,
    network: ClipNetwork,
) -> tuple[list[int], np.ndarray]:
    """CLIP's zero-shot probability of the requested scene among all that the prompt set requests.

    All objects are painted over (:func:`surroundings.surroundings`). Samples of a scene that a photo shows,
    by the same classifier, are left out: to repeat the photo would pass for obeying. That scene stays among
    the candidates, so that a sample which shows it where another is requested has a low value.

    Args:
        samples: N×S×S×3 uint8, of one prompt set.
        sample_mattes: N×S×S float32 in [0, 1].
        scenes: The words of the scene requested of each, e.g. ``on a beach``.
        photos: The subject's, M×S×S×3 uint8.
        photo_mattes: M×S×S float32.
        network: The study's CLIP, whose own temperature makes probabilities of cosines.

    Returns:
        The positions of the samples that have a value, and the values, float64 in [0, 1]; higher is better.
    """
    candidates = list(dict.fromkeys(scenes))
    texts = _scene_embeddings(candidates, network)

    def probabilities(images: np.ndarray, mattes: np.ndarray) -> Tensor:
        embeddings = network.embed_images(surroundings(images, mattes))
        scale = network.model.logit_scale.exp().double().to(embeddings.device)
        return (scale * cosine_matrix(embeddings, texts)).softmax(dim=1).cpu()

    own = {candidates[k] for k in probabilities(photos, photo_mattes).argmax(dim=1).tolist()}
    rows = [row for row, scene in enumerate(scenes) if scene not in own]
    requested = [candidates.index(scenes[row]) for row in rows]
    return rows, probabilities(samples, sample_mattes)[rows, requested].numpy()


@torch.no_grad()
def _scene_embeddings(scenes: list[str], network: ClipNetwork) -> Tensor:
    """Returns one embedding for each scene, K×D."""
    of_templates = [
        normalize(network.embed_texts([each.format(s) for s in scenes]), dim=1) for each in TEMPLATES
    ]
    return torch.stack(of_templates).mean(dim=0)
