"""Half precision gives what float32 gives: gradients of L_p, their log, the trained weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hypnos_pipeline.models.networks import load_timm
from hypnos_pipeline.models.runtime import autocast
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.models.text_to_image import decode, load_text_to_image
from hypnos_pipeline.training.frozen_vae import frozen_vae, kept_vae
from hypnos_pipeline.training.latents import encode_posteriors
from hypnos_pipeline.training.optimisation import Updater
from hypnos_pipeline.training.perceptual import PerceptualLoss
from hypnos_pipeline.training.settings import LossWeights, Optimiser, Perceptual
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import RUNTIME, finetuning, hypnos, latents, perceptual, pool, weights

FULL = 1.0
AT_512_PIXELS = 0.003 / 393_216
"""λ_p over the elements of the largest feature map, 24@128²: an unscaled gradient is so small."""
BOUNDS = {"float16": 0.01, "bfloat16": 0.06}
"""Largest relative error of a gradient of L_p."""


def in_precision(precision: str, frozen: str = "float32") -> RuntimeSettings:
    return RUNTIME.model_copy(update={"precision": precision, "frozen_vae": frozen})


def run(settings, runtime: RuntimeSettings = RUNTIME):
    """A whole run, its VAE kept as its node keeps it."""
    model = tiny_text_to_image()
    with frozen_vae(model, runtime):
        made = finetuning(settings, model=model, runtime=runtime)
        made.run()
    return made


def gradient_of_perceptual(runtime: RuntimeSettings, factor: float) -> torch.Tensor:
    """Returns ∂(factor · L_p)/∂z0 ÷ factor, of three images near their latents."""
    model = tiny_text_to_image()
    noise = torch.randn(3, *latents().shape, generator=torch.Generator().manual_seed(0))
    clean = (latents().sample("pool", [0, 1, 2], noise) + 0.3 * noise).requires_grad_()
    with frozen_vae(model, runtime):
        (factor * perceptual(model, hypnos(), runtime)(clean, [0, 1, 2]).sum()).backward()
    return clean.grad / factor


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("frozen", ["float32", "half"])
@pytest.mark.parametrize("factor", [FULL, AT_512_PIXELS, AT_512_PIXELS * 2.0**16])
@pytest.mark.parametrize("precision", BOUNDS)
def test_gradient_of_the_perceptual_loss_is_float32s(precision, factor, frozen):
    exact = gradient_of_perceptual(in_precision("float32"), FULL)
    found = gradient_of_perceptual(in_precision(precision, frozen), factor)
    assert relative(found, exact) < BOUNDS[precision]
    assert ((found == 0) == (exact == 0)).all()


@pytest.mark.parametrize("precision", BOUNDS)
def test_an_image_close_to_its_reference_keeps_its_distance(precision):
    """Half an EfficientNet would round most of the difference away."""
    image = torch.from_numpy(pool().stack()[:1]).permute(0, 3, 1, 2) / 255.0
    near = image + 0.004 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    half, full = (
        perceptual(tiny_text_to_image(), hypnos(), in_precision(each)) for each in (precision, "float32")
    )
    assert torch.equal(half.distance(near, [0]), full.distance(near, [0]))


@pytest.mark.parametrize("precision", BOUNDS)
def test_the_gradient_log_is_float32s(precision):
    settings = hypnos(steps=1, gradient_log_every=1, weights=LossWeights(perceptual=AT_512_PIXELS))
    exact, found = (run(settings, in_precision(each)).report() for each in ("float32", precision))
    assert found["inactive_terms"] == exact["inactive_terms"] == ["perceptual"]
    for name, rows in exact["gradient_norms"].items():
        expected = [None if norm is None else pytest.approx(norm, rel=0.1) for norm in rows]
        assert found["gradient_norms"][name] == expected


def test_a_repeated_step_counts_once_everywhere():
    settings = hypnos(steps=3, gradient_log_every=1)
    made = finetuning(settings, runtime=in_precision("float16"))
    made.updater.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**26)
    results, ordinary = [], made.step
    made.step = lambda step: results.append(ordinary(step)) or results[-1]
    made.run()
    assert results.count(None) >= 1
    assert len(made.curve) == 3
    assert sum(made.draws.values()) == 3 * settings.instance_batch
    assert made.perceptual_steps_run == settings.perceptual_steps()
    assert sum(made.gradients.counts["reconstruction"]) == 3 * settings.instance_batch
    assert all(np.isfinite(norms).all() for norms in made.gradients.sums.values())


def test_the_loss_scale_can_rise_within_the_papers_steps():
    row = torch.nn.Parameter(torch.ones(2))
    updater = Updater([row], learning_rate=1e-6, weight_decay=0.0, clip_norm=1.0, scaled=True)
    first = updater.scaler.get_scale()
    for step in range(1, 801):
        updater.update(1e-6 * row.square().sum(), step)
    assert updater.scaler.get_scale() == first * 2**8


def moved(made) -> torch.Tensor:
    """Returns how far a run moved every weight of U-Net and text encoder, as one vector."""
    fresh = tiny_text_to_image()
    pairs = zip(
        weights(made.model.unet, made.model.text_encoder),
        weights(fresh.unet, fresh.text_encoder),
        strict=True,
    )
    return torch.cat([(now - before).flatten() for now, before in pairs if now.is_floating_point()])


@pytest.mark.parametrize(
    ("runtime", "optimiser", "largest"),
    [
        (in_precision("bfloat16", "half"), Optimiser(), 0.12),
        (in_precision("float16", "half"), Optimiser(), 0.04),
        (in_precision("float32", "int8"), Optimiser(), 0.04),
        (RUNTIME, Optimiser(kind="adamw_8bit"), 0.03),
    ],
    ids=["bfloat16", "float16", "int8 VAE", "8-bit Adam"],
)
def test_a_training_ends_where_float32_ends(runtime, optimiser, largest):
    """The distance moved differs by a few percent; with another seed it differs by 120 %."""
    # λ_p is large, so that the VAE has a say in where the weights go.
    settings = hypnos(steps=8, weights=LossWeights(perceptual=30.0, discriminator=0.0))
    exact, found = run(settings), run(settings.model_copy(update={"optimiser": optimiser}), runtime)
    assert 0 < relative(moved(found), moved(exact)) < largest
    losses = [[row["loss"] for row in each.curve] for each in (found, exact)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


MINIATURE = Path(__file__).parents[2] / "data/01_raw/models/mini"
SUBJECT = Path(__file__).parents[2] / "data/01_raw/subjects/lego_robot"


@pytest.fixture(scope="module")
def miniature():
    """The miniature's trained VAE and EfficientNet, and two photos, uint8 2×64×64×3."""
    photos = [Image.open(file).resize((64, 64)) for file in sorted(SUBJECT.glob("*.jpg"))[:2]]
    vae = load_text_to_image(MINIATURE / "text_to_image").vae.requires_grad_(False)
    return vae, load_timm(MINIATURE / "efficientnet"), np.stack([np.asarray(each) for each in photos])


@pytest.mark.parametrize(
    ("runtime", "decibels", "largest"),
    [
        (in_precision("bfloat16", "half"), 55.0, 0.04),
        (in_precision("float32", "int8"), 53.0, 0.05),
        (in_precision("bfloat16", "int8"), 48.0, 0.12),
    ],
    ids=["half", "int8", "int8 in bfloat16"],
)
def test_a_smaller_trained_vae_gives_the_same_pictures_and_gradient(miniature, runtime, decibels, largest):
    vae, network, photos = miniature
    means, _ = encode_posteriors(vae, photos)
    noise = 0.3 * torch.randn(means.shape, generator=torch.Generator().manual_seed(0))

    def used(runtime):
        kept, passes = kept_vae(vae, runtime), lambda: autocast(runtime, torch.device("cpu"))
        clean = (means * vae.config.scaling_factor + noise).requires_grad_()
        PerceptualLoss(network, photos, Perceptual(), kept, passes)(clean, [0, 1]).sum().backward()
        with torch.no_grad(), passes():
            return decode(kept, clean), clean.grad

    (found, gradient), (images, exact) = used(runtime), used(RUNTIME)
    assert 10 * float(torch.log10(1 / (found - images).square().mean())) > decibels
    assert relative(gradient, exact) < largest
