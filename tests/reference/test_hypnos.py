"""HYPNOS's loss (Eq. 1–7) against the formulas in float64, and its gradient as the sum of its terms'.

From what a step has of the model, ε̂, on: the pass that gives ε̂ is proven by DreamBooth's test.
"""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace

import pytest
import torch

from hypnos_pipeline.training.losses import matching_sigma
from hypnos_pipeline.training.settings import Optimiser, Reconstruction
from tests.reference.gradients import assert_gradients_close, gradients, kept_gradients
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import finetuning, hypnos, pool

INSTANCE = 2
WEIGHTS = {"reconstruction": 1.0, "prior": 1.0, "perceptual": 0.003, "discriminator": 0.5}
STAGE_WEIGHTS = (0.35, 0.45, 0.2)
UNCLIPPED = Optimiser(clip_norm=1e9)


def one_step(**changes) -> SimpleNamespace:
    """Returns a run, its first step's prediction and terms, and the pool's rows that it drew."""
    prediction_type = changes.pop("prediction_type", "epsilon")
    run = finetuning(hypnos(optimiser=UNCLIPPED, **changes), model=tiny_text_to_image(prediction_type))
    with torch.no_grad():  # an untrained score lies near 1, where 1 − LD keeps only half of its digits
        run.discriminator.score.bias.sub_(1.0)
    instance, prior = run._draw(1)
    prediction = run.denoiser.predict([instance, prior], run._prompts(instance, prior))
    terms, clean = run.terms(1, prediction, instance.indexes)
    return SimpleNamespace(run=run, prediction=prediction, terms=terms, clean=clean, indexes=instance.indexes)


def alpha_bars(timesteps: torch.Tensor) -> torch.Tensor:
    """ᾱ_t of Stable Diffusion's schedule as diffusers has it, a running product in float32."""
    from diffusers import DDPMScheduler

    schedule = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    return schedule.alphas_cumprod[timesteps].double().view(-1, 1, 1, 1)


def inverse_gaussian(squared: torch.Tensor, sigma: float) -> torch.Tensor:
    """Eq. 2 of e², going on as a straight line of |e| where e²/2σ² passes 4.19; the mean."""
    scale, bend = sigma * math.sqrt(2 * math.pi), sigma * math.sqrt(2 * 4.19)
    size = squared.sqrt()
    at_bend, slope = scale * math.expm1(4.19), scale * math.exp(4.19) * bend / sigma**2
    curve = scale * torch.expm1(size.clamp(max=bend) ** 2 / (2 * sigma**2))
    return torch.where(size > bend, at_bend + slope * (size - bend), curve).mean()


def in_float64(step: SimpleNamespace, reduction: str, weighting: str) -> dict[str, torch.Tensor]:
    """Computes the four terms of the paper; gradients flow to ``step.epsilon``."""
    given, run = step.prediction, step.run
    step.epsilon = given.epsilon.detach().double().requires_grad_()
    error = step.epsilon - given.noise.double()
    own, alpha_bar = slice(INSTANCE), alpha_bars(given.timesteps)[:INSTANCE]
    squared = error[own] ** 2
    if reduction == "sample_mean":
        squared = squared.mean((1, 2, 3))
    clean = (given.noisy[own].double() - (1 - alpha_bar).sqrt() * step.epsilon[own]) / alpha_bar.sqrt()
    torch.testing.assert_close(step.clean.double(), clean, rtol=1e-5, atol=1e-5)
    snr = alpha_bar / (1 - alpha_bar)
    weight = {"none": torch.ones_like(snr), "alpha_bar": alpha_bar, "snr_clip": snr.clamp(max=5) / 5}
    weight = weight[weighting].flatten()
    discriminator = copy.deepcopy(run.discriminator).double()
    return {
        "reconstruction": inverse_gaussian(squared, matching_sigma()),
        "prior": (error[INSTANCE:] ** 2).mean(),
        "perceptual": (weight * perceptual(run, clean, step.indexes)).mean(),
        "discriminator": (weight * (1 - discriminator(clean)) ** 2).mean(),
    }


def perceptual(run, clean: torch.Tensor, indexes: list[int]) -> torch.Tensor:
    """Eq. 5: decode, take stages 2, 3, 4 by hooks, weigh the mean squared differences to the pool's image."""
    vae, network = copy.deepcopy(run.model.vae).double(), copy.deepcopy(run.perceptual.network).double()
    decoded = (vae.decode(clean / vae.config.scaling_factor).sample + 1) / 2
    wanted = torch.from_numpy(pool().stack()[indexes]).permute(0, 3, 1, 2).double() / 255
    mean, deviation = (
        torch.tensor(network.pretrained_cfg[key], dtype=torch.float64).view(1, 3, 1, 1)
        for key in ("mean", "std")
    )
    stages: list[torch.Tensor] = []
    for number in (1, 2, 3):
        network.blocks[number].register_forward_hook(lambda _module, _inputs, output: stages.append(output))
    network((torch.cat([decoded, wanted]) - mean) / deviation)
    total = torch.zeros(len(indexes), dtype=torch.float64)
    for weight, stage in zip(STAGE_WEIGHTS, stages, strict=True):
        ours, theirs = stage.chunk(2)
        total = total + weight * ((ours - theirs) ** 2).mean((1, 2, 3))
    return total


@pytest.mark.parametrize(
    ("reduction", "weighting", "prediction_type"),
    [
        ("elementwise", "none", "epsilon"),
        ("sample_mean", "alpha_bar", "epsilon"),
        ("elementwise", "snr_clip", "v_prediction"),
    ],
)
def test_every_term_and_its_gradient_are_the_formulas(reduction, weighting, prediction_type):
    step = one_step(
        reconstruction=Reconstruction(reduction=reduction),
        z0_weighting=weighting,
        prediction_type=prediction_type,
    )
    expected = in_float64(step, reduction, weighting)
    assert step.terms.keys() == expected.keys()
    for name, term in step.terms.items():
        assert term.item() == pytest.approx(expected[name].item(), rel=1e-5), name
        (ours,) = torch.autograd.grad(term, step.prediction.epsilon, retain_graph=True)
        (theirs,) = torch.autograd.grad(expected[name], step.epsilon, retain_graph=True)
        assert (ours.double() - theirs).norm() <= 1e-5 * theirs.norm(), name


def test_the_whole_gradient_is_the_weighted_sum_of_the_terms():
    step = one_step()
    parameters = {
        f"{number}.{name}": parameter
        for number, network in enumerate((step.run.model.unet, step.run.model.text_encoder))
        for name, parameter in network.named_parameters()
    }
    expected = {name: torch.zeros_like(parameter).double() for name, parameter in parameters.items()}
    for term, weight in WEIGHTS.items():
        parts = torch.autograd.grad(step.terms[term], list(parameters.values()), retain_graph=True)
        for name, part in zip(parameters, parts, strict=True):
            expected[name] += weight * part.double()
    with kept_gradients(step.run.updater):
        row = step.run.step(1)
        found = gradients(step.run.model.unet, step.run.model.text_encoder)
    total = sum(weight * step.terms[term].item() for term, weight in WEIGHTS.items())
    assert row["loss"] == pytest.approx(total, rel=1e-6)
    assert_gradients_close(found, expected)
