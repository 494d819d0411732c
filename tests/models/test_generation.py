"""Sampling equals plain diffusers, and batches change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.settings import SamplerSettings
from tests.tiny_models import tiny_text_to_image

PROMPTS = ["a photo of sks robot", "a painting of a red chair in the snow", "a photo of robot on the beach"]
SEEDS = [11, 2**62 + 5, 13]
SIZE = 16


def sampler(batch: int = 3, guidance: float = 7.5) -> SamplerSettings:
    return SamplerSettings(steps=5, guidance=guidance, batch=batch)


def plain_diffusers(model, prompt: str, seed: int, guidance: float) -> np.ndarray:
    """One image as a user of diffusers would sample it, without any code of ours."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        unet=model.unet,
        scheduler=model.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(
        prompt,
        generator=torch.Generator().manual_seed(seed),
        num_inference_steps=5,
        guidance_scale=guidance,
        height=SIZE,
        width=SIZE,
    ).images[0]
    return np.asarray(image)


@pytest.mark.parametrize("guidance", [7.5, 1.0])
@pytest.mark.parametrize("scheduler", ["PNDMScheduler", "DDIMScheduler"])
def test_equals_plain_diffusers(scheduler: str, guidance: float) -> None:
    model = tiny_text_to_image(scheduler=scheduler)
    for prompt, seed in zip(PROMPTS, SEEDS, strict=True):
        ours = generate(model, [prompt], [seed], sampler(guidance=guidance), SIZE)[0]
        assert np.array_equal(ours, plain_diffusers(model, prompt, seed, guidance))


def test_batch_size_and_order_do_not_matter() -> None:
    model = tiny_text_to_image()
    together = generate(model, PROMPTS, SEEDS, sampler(batch=3), SIZE).astype(int)
    in_pairs = generate(model, PROMPTS, SEEDS, sampler(batch=2), SIZE).astype(int)
    backwards = generate(model, PROMPTS[::-1], SEEDS[::-1], sampler(batch=2), SIZE)[::-1].astype(int)
    # Other batch shapes sum in another order: at most one level of 255.
    assert np.abs(together - in_pairs).max() <= 1
    assert np.abs(together - backwards).max() <= 1
    assert np.abs(together[0] - together[2]).max() > 1


def test_same_call_gives_same_bits() -> None:
    model = tiny_text_to_image()
    first = generate(model, PROMPTS, SEEDS, sampler(batch=2), SIZE)
    assert np.array_equal(first, generate(model, PROMPTS, SEEDS, sampler(batch=2), SIZE))


def test_velocity_model_generates() -> None:
    velocity = generate(
        tiny_text_to_image(prediction_type="v_prediction"), PROMPTS[:1], SEEDS[:1], sampler(), SIZE
    )
    epsilon = generate(tiny_text_to_image(), PROMPTS[:1], SEEDS[:1], sampler(), SIZE)
    assert velocity.shape == (1, SIZE, SIZE, 3)
    assert velocity.dtype == np.uint8
    assert not np.array_equal(velocity, epsilon)


def test_faulty_requests_are_named() -> None:
    model = tiny_text_to_image()
    with pytest.raises(ValueError, match="3 prompts, 2 seeds"):
        generate(model, PROMPTS, SEEDS[:2], sampler(), SIZE)
    with pytest.raises(ValueError, match=r"more than 77 tokens:\n  'robot robot.*: 92"):
        generate(model, ["a photo", " ".join(["robot"] * 90)], [1, 2], sampler(), SIZE)
