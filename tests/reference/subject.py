"""A subject of 16 px whose latents the training reads, made of random pictures or of real photos."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.training.latents import LatentCache
from tests.reference.pictures import as_arrays, pictures
from tests.tiny_models import tiny_text_to_image

SIZE = 16
PHOTOS, CLASS_IMAGES = 3, 4
CLASS_PROMPT = "a photo of robot"


def photos(kind: str) -> np.ndarray:
    """Returns the subject's photos, uint8 3×16×16×3."""
    return as_arrays(pictures(kind, PHOTOS, SIZE))


def class_images(kind: str) -> np.ndarray:
    """Returns the class prior's images, uint8 4×16×16×3."""
    return as_arrays(pictures(kind, CLASS_IMAGES, SIZE, first=PHOTOS))


@lru_cache(maxsize=2)
def cached_latents(kind: str) -> LatentCache:
    """Returns the product's cache of their posteriors; the pool holds the untouched photos alone."""
    pool = [{"photo": f"photo_{i}", "kind": "original", "name": f"{i}"} for i in range(PHOTOS)]
    prior = [{"prompt": CLASS_PROMPT, "name": f"{i}"} for i in range(CLASS_IMAGES)]
    sections = {"pool": (photos(kind), pool), "class_prior": (class_images(kind), prior)}
    sets = {
        name: ImageSet({row["name"]: image for row, image in zip(rows, images, strict=True)}, rows)
        for name, (images, rows) in sections.items()
    }
    return LatentCache.encode(tiny_text_to_image().vae, sets)
