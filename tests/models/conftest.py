"""Sampling without any code of ours."""

from __future__ import annotations

import numpy as np

from hypnos_pipeline.models.settings import SamplerSettings


def plain_diffusers(pipeline, prompt: str, seed: int, sampler: SamplerSettings, size: int = 16) -> np.ndarray:
    """One image of a diffusers pipeline as its users would sample it, uint8 size×size×3."""
    import torch

    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(
        prompt,
        generator=torch.Generator().manual_seed(seed),
        num_inference_steps=sampler.steps,
        guidance_scale=sampler.guidance,
        height=size,
        width=size,
    ).images[0]
    return np.asarray(image)
