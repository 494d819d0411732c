"""How far samples repeat the photos' own place (method.md §9; paper 4.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from hypnos_pipeline.metrics.surroundings import surroundings

if TYPE_CHECKING:
    from hypnos_pipeline.models.networks import ClipNetwork

NEIGHBOURS = 3
"""Other places whose mean distance an image is compared with: the nearest ones."""


def background_leak(
    samples: np.ndarray,
    sample_mattes: np.ndarray,
    photos: np.ndarray,
    photo_mattes: np.ndarray,
    others: np.ndarray,
    other_mattes: np.ndarray,
    network: ClipNetwork,
) -> np.ndarray:
    """Whether a sample's place is nearer to the photos' or to other places; lower is better.

    All objects are painted over (:func:`surroundings.surroundings`) and the places compared by CLIP's image
    embeddings of unit length. With p the distance to the nearest photo and o the mean distance to the three
    nearest other places, o / (o + p) is scaled so that the other places among themselves have 0 on average
    and the photos' own place, mirrored, has 1.

    Args:
        samples: N×S×S×3 uint8.
        sample_mattes: N×S×S float32 in [0, 1].
        photos: The subject's, M×S×S×3 uint8.
        photo_mattes: M×S×S float32.
        others: Images of other places, at least four, K×S×S×3 uint8: those of the class prior, which show
            where the untouched model puts such an object.
        other_mattes: K×S×S float32.
        network: The study's CLIP.

    Returns:
        N float64; about 0 at other places and about 1 at the photos', beyond both for single images.

    Raises:
        ValueError: If there are no more than three other places.
    """
    if len(others) <= NEIGHBOURS:
        raise ValueError(f"other places: expected more than {NEIGHBOURS}, got {len(others)}")

    def places(images: np.ndarray, mattes: np.ndarray) -> Tensor:
        return normalize(network.embed_images(surroundings(images, mattes)).double(), dim=1)

    own, elsewhere = places(photos, photo_mattes), places(others, other_mattes)
    mirrored = places(photos[:, :, ::-1].copy(), photo_mattes[:, :, ::-1].copy())
    among_themselves = torch.cdist(elsewhere, elsewhere).fill_diagonal_(torch.inf)
    chance = _nearness(torch.cdist(elsewhere, own), among_themselves).mean()
    whole = _nearness(torch.cdist(mirrored, own), torch.cdist(mirrored, elsewhere)).mean()
    found = places(samples, sample_mattes)
    nearness = _nearness(torch.cdist(found, own), torch.cdist(found, elsewhere))
    return ((nearness - chance) / (whole - chance)).cpu().numpy()


def _nearness(to_photos: Tensor, to_others: Tensor) -> Tensor:
    """Returns o / (o + p) from distances N×M and N×K: 1 at a photo's place, 0 at another's."""
    p = to_photos.min(dim=1).values
    o = to_others.topk(NEIGHBOURS, dim=1, largest=False).values.mean(dim=1)
    return o / (o + p).clamp_min(1e-12)
