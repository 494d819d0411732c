"""A tiny text-to-image model as a folder, and sampling without any code of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hypnos_pipeline.models.settings import SamplerSettings
from tests.tiny_models import save_tiny_text_to_image


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny text-to-image model."""
    return save_tiny_text_to_image(tmp_path_factory.mktemp("model") / "saved")


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
