"""Sampling and evaluation on a GPU against diffusers' pipeline, and against a CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.evaluate import evaluate_samples
from hypnos_pipeline.metrics.features import load_metric_networks
from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.runtime import autocast
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings, SamplerSettings
from hypnos_pipeline.models.text_to_image import load_text_to_image

PROMPTS = ["a photo of a robot", "a photo of a red car on a beach", "a photo of a blue mug"]
SEEDS = [1, 2, 3]
SAMPLER = SamplerSettings(steps=8, batch=3)
SIZE = 64
METRICS = ("dino", "clip_i", "clip_t", "fid", "kid", "ssim", "psnr", "lpips")


@pytest.fixture(scope="module")
def models(project_root):
    """The miniature networks' references."""
    folder = project_root / "data/01_raw/models/mini"
    return {each.name: ModelReference(folder=str(each)) for each in folder.iterdir() if each.is_dir()}


@pytest.fixture(scope="module")
def miniature(models, device):
    return load_text_to_image(models["text_to_image"].folder, device)


def sampled(model, batch: int, precision: str = "float32") -> np.ndarray:
    runtime = RuntimeSettings(threads=1, precision=precision)
    with autocast(runtime, model.device):
        sampler = SAMPLER.model_copy(update={"batch": batch})
        return generate(model, PROMPTS, SEEDS, sampler, SIZE, progress=None)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference of 8-bit values."""
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def test_our_sampler_is_diffusers_pipeline(miniature) -> None:
    pipeline = miniature.pipeline()
    given = {"height": SIZE, "width": SIZE, "num_inference_steps": SAMPLER.steps, "output_type": "np"}
    given["guidance_scale"] = SAMPLER.guidance
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    theirs = (pipeline(PROMPTS, generator=generators, **given).images * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(sampled(miniature, batch=3), theirs)
    one_by_one = [
        pipeline(prompt, generator=torch.Generator().manual_seed(seed), **given).images[0]
        for prompt, seed in zip(PROMPTS, SEEDS, strict=True)
    ]
    assert difference(sampled(miniature, batch=3), (np.stack(one_by_one) * 255).round()) < 0.5


def test_a_cpu_gives_the_same_pictures(miniature, models) -> None:
    on_cpu = load_text_to_image(models["text_to_image"].folder)
    assert difference(sampled(miniature, batch=3), sampled(on_cpu, batch=3)) < 1


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_gives_nearly_the_same_pictures(miniature, precision) -> None:
    whole, half = sampled(miniature, batch=3), sampled(miniature, batch=3, precision=precision)
    assert difference(whole, half) < 4
    assert difference(whole, half) < difference(whole, whole[::-1]) / 5


def test_a_cpu_gives_the_same_scores(miniature, models, device) -> None:
    pictures = sampled(miniature, batch=3)
    row = {"prompt_set": "invariant", "prompt": PROMPTS[0], "noun_prompt": PROMPTS[0]}
    samples = ImageSet(
        {str(k): each for k, each in enumerate(pictures)}, [row | {"name": str(k)} for k in range(3)]
    )
    photos = ImageSet({str(k): each[:, ::-1].copy() for k, each in enumerate(pictures)}, [])
    scores = [
        evaluate_samples(
            samples,
            photos,
            load_metric_networks(models, METRICS, on),
            metrics=METRICS,
            batch=3,
            subject="s",
            method="m",
        )[1].set_index("metric")["mean"]
        for on in (torch.device("cpu"), device)
    ]
    assert list(scores[0].index) == list(scores[1].index) == list(METRICS)
    for metric in METRICS:
        close = 1e-2 if metric in ("fid", "kid") else 1e-4  # differences of large numbers
        assert scores[1][metric] == pytest.approx(scores[0][metric], rel=close, abs=1e-5), metric
