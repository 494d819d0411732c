"""Sampling equals plain diffusers, and batches change nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.settings import SamplerSettings
from tests.models.conftest import plain_diffusers
from tests.tiny_models import tiny_text_to_image

PROMPTS = ["a photo of sks robot", "a painting of a red chair in the snow", "a photo of robot on the beach"]
SEEDS = [11, 2**62 + 5, 13]
SIZE = 16


def sampler(batch: int = 3, guidance: float = 7.5) -> SamplerSettings:
    return SamplerSettings(steps=5, guidance=guidance, batch=batch)


@pytest.mark.parametrize("guidance", [7.5, 1.0])
@pytest.mark.parametrize("scheduler", ["PNDMScheduler", "DDIMScheduler"])
def test_equals_plain_diffusers(scheduler: str, guidance: float) -> None:
    from diffusers import StableDiffusionPipeline

    model = tiny_text_to_image(scheduler=scheduler)
    names = ("vae", "text_encoder", "tokenizer", "unet", "scheduler")
    parts = {name: getattr(model, name) for name in names} | {"safety_checker": None}
    pipeline = StableDiffusionPipeline(**parts, feature_extractor=None, requires_safety_checker=False)
    settings = sampler(guidance=guidance)
    for prompt, seed in zip(PROMPTS, SEEDS, strict=True):
        ours = generate(model, [prompt], [seed], settings, SIZE)[0]
        assert np.array_equal(ours, plain_diffusers(pipeline, prompt, seed, settings, SIZE))


def test_batch_size_and_order_do_not_matter() -> None:
    model = tiny_text_to_image()
    together = generate(model, PROMPTS, SEEDS, sampler(batch=3), SIZE).astype(int)
    in_pairs = generate(model, PROMPTS, SEEDS, sampler(batch=2), SIZE)
    backwards = generate(model, PROMPTS[::-1], SEEDS[::-1], sampler(batch=2), SIZE)[::-1]
    # Other batch shapes sum in another order: at most one level of 255.
    assert np.abs(together - in_pairs).max() <= 1
    assert np.abs(together - backwards).max() <= 1
    assert np.abs(together[0] - together[2]).max() > 1
    # The same call gives the same bits.
    assert np.array_equal(in_pairs, generate(model, PROMPTS, SEEDS, sampler(batch=2), SIZE))


def test_a_vae_that_overflows_float16_gives_pictures_in_it() -> None:
    """As some published ones do, whose images in float16 are black."""
    model = tiny_text_to_image()
    with torch.no_grad():
        model.vae.decoder.conv_in.weight *= 1e6
    exact = generate(model, PROMPTS[:1], SEEDS[:1], sampler(), SIZE).astype(int)
    with torch.autocast("cpu", torch.float16):
        found = generate(model, PROMPTS[:1], SEEDS[:1], sampler(), SIZE)
    assert exact.std() > 5
    assert np.abs(found - exact).max() <= 5


def test_velocity_model_generates() -> None:
    velocity, epsilon = (
        generate(tiny_text_to_image(prediction_type=kind), PROMPTS[:1], SEEDS[:1], sampler(), SIZE)
        for kind in ("v_prediction", "epsilon")
    )
    assert velocity.shape == (1, SIZE, SIZE, 3)
    assert velocity.dtype == np.uint8
    assert not np.array_equal(velocity, epsilon)


def test_impossible_requests_are_named() -> None:
    model = tiny_text_to_image()
    with pytest.raises(ValueError, match="3 prompts, 2 seeds"):
        generate(model, PROMPTS, SEEDS[:2], sampler(), SIZE)
    with pytest.raises(ValueError, match=r"more than 77 tokens:\n  'robot robot.*: 92"):
        generate(model, ["a photo", " ".join(["robot"] * 90)], [1, 2], sampler(), SIZE)
