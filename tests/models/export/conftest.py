"""Diffusers' own loaders, and a model that was finetuned a little."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypnos_pipeline.models.export.card import Origin
from hypnos_pipeline.models.settings import SamplerSettings
from hypnos_pipeline.models.text_to_image import UNCHECKED, save_text_to_image
from tests.models.conftest import plain_diffusers
from tests.tiny_models import tiny_text_to_image

PROMPT = "a photo of sks robot"
SAMPLER = SamplerSettings(steps=3, guidance=3.0, batch=1)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """No progress bars of the libraries'."""
    from diffusers.utils import logging

    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


@pytest.fixture
def base():
    """What was finetuned."""
    return tiny_text_to_image()


@pytest.fixture
def finetuned(base):
    return moved(base)


@pytest.fixture
def saved_base(base, tmp_path: Path) -> Path:
    save_text_to_image(base, tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def saved_as() -> Callable[[Path, Any, Path], Any]:
    """Reads a checkpoint in one file, with the configurations that a model's folder has."""

    def read(file: Path, model, folder: Path):
        import torch
        from diffusers import StableDiffusionPipeline

        save_text_to_image(model, folder / "configurations")
        return StableDiffusionPipeline.from_single_file(
            str(file),
            config=str(folder / "configurations"),
            local_files_only=True,
            dtype=torch.float32,
            **UNCHECKED,
        )

    return read


@pytest.fixture
def origin() -> Origin:
    return Origin(
        title="lego_robot_hypnos",
        subject="lego_robot",
        method="hypnos",
        env="mini",
        seed=42,
        image_size=16,
        phrase="sks robot",
        prompts=(PROMPT, f"{PROMPT}, red background"),
        base={"id": "someone/stable", "revision": "1" * 40, "sha256": "2" * 64},
        weights="3" * 64,
        commit="4" * 40,
    )


def moved(base):
    """A copy, every weight of UNet and text encoder moved in a direction of its own."""
    import torch

    model, draws = copy.deepcopy(base), torch.Generator().manual_seed(5)
    for network in (model.unet, model.text_encoder):
        for weight in network.parameters():
            change = torch.randn(weight.shape, generator=draws)
            weight.data += 0.5 * weight.detach().abs().mean() * change
    return model


def image(pipeline, prompt: str = PROMPT, seed: int = 1) -> np.ndarray:
    """A pipeline's image, as whole numbers that can be subtracted."""
    return plain_diffusers(pipeline, prompt, seed, SAMPLER).astype(int)


def apart(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """The largest and the mean difference of two images, in steps of 1/255."""
    difference = np.abs(one - other)
    return int(difference.max()), float(difference.mean())
