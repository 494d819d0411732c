"""A subject of 16 px, of random pictures or of real photos, and the published scripts' error on it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from torch import Tensor

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.training.draws import Half
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


def published_error(model, given: Half, states: Tensor, on_the_noise: bool = True) -> tuple[Tensor, Tensor]:
    """Returns prediction and target as the published scripts form them.

    Args:
        model: The text-to-image model.
        given: Latents, noise and timesteps.
        states: The prompts' states.
        on_the_noise: Whether a v-predicting model's error is turned into that of the noise, √ᾱ_t times it
            (method.md §5).
    """
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler.from_config(model.scheduler.config)
    noisy = scheduler.add_noise(given.latents, given.noise, given.timesteps)
    prediction = model.unet(noisy, given.timesteps, states).sample
    if scheduler.config.prediction_type == "epsilon":
        return prediction, given.noise
    target = scheduler.get_velocity(given.latents, given.noise, given.timesteps)
    scale = scheduler.alphas_cumprod[given.timesteps].sqrt().view(-1, 1, 1, 1) if on_the_noise else 1
    return scale * prediction, scale * target


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
