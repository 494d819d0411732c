"""Networks of the true classes for the published layouts, small and in their true sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypnos_pipeline.models.random import convolutional, encoders
from hypnos_pipeline.models.random.folder import MAKERS
from tests.imaging.networks import save_tracer
from tests.tiny_models import SMALL_CLIP, TOWER, small_text_to_image

Maker = Callable[[Path, int], object]
"""Writes a network's folder from a seed."""


def save_small_text_to_image(place: Path, seed: int) -> None:
    """Writes Stable Diffusion 1.5's architecture, every part of it small but the vocabulary."""
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    save_text_to_image(small_text_to_image(seed), place)


TRUE: dict[str, Maker] = {
    "text_to_image": MAKERS["stable_diffusion_1_5"],
    "perceptual": MAKERS["efficientnet_b1"],
    "dino": MAKERS["dino_vits16"],
    "clip": MAKERS["clip_vit_l14"],
    "clip_b32": MAKERS["clip_vit_b32"],
    "inception": MAKERS["fid_inception_v3"],
    "lpips": MAKERS["alexnet_lpips"],
    "matting": lambda place, seed: save_tracer(place),
}
"""Key below ``models`` in ``conf/paper`` to its network."""
SMALL: dict[str, Maker] = TRUE | {
    "text_to_image": save_small_text_to_image,
    "perceptual": lambda place, seed: convolutional.save_random_timm(place, seed, "test_efficientnet"),
    "dino": lambda place, seed: encoders.save_random_vit(place, seed, encoders.DINO_VITS16 | TOWER),
    "clip": lambda place, seed: encoders.save_random_clip(place, seed, SMALL_CLIP),
    "clip_b32": lambda place, seed: encoders.save_random_clip(place, seed, SMALL_CLIP),
}
"""The same with few and narrow layers; Inception, AlexNet and TRACER have one size only."""
