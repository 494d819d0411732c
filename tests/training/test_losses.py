"""L_r against float64, σ against the integral, z0 and ε̂ against the definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from hypnos_pipeline.randomness import generator
from hypnos_pipeline.training import losses
from hypnos_pipeline.training.settings import MatchMse, Reconstruction

SIGMAS = (0.2, 0.5, 1.382, 3.0)


def reference(error: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 2 with its linear continuation, value and slope, in float64 and in other words than the code's."""
    bound = sigma * math.sqrt(2 * 4.19)
    size = np.minimum(np.abs(error), bound)
    value = sigma * math.sqrt(2 * math.pi) * np.expm1(size**2 / (2 * sigma**2))
    slope = math.sqrt(2 * math.pi) / sigma * size * np.exp(size**2 / (2 * sigma**2))
    return value + slope * (np.abs(error) - size), slope * np.sign(error)


@pytest.mark.parametrize(("bound", "sigma"), [(1.0, 1.38191), (0.5, 1.28796), (1.5, 1.51465)])
def test_sigma_of_equation_3(bound, sigma):
    assert losses.matching_sigma(bound) == pytest.approx(sigma, abs=5e-6)


@pytest.mark.parametrize("bound", [0.01, 0.5, 3.0, 10.0])
def test_sigma_is_a_minimum_of_the_integral(bound):
    x = np.linspace(0, bound, 20001)

    def distance(sigma):
        return np.trapezoid((x**2 - sigma * math.sqrt(2 * math.pi) * np.expm1(x**2 / (2 * sigma**2))) ** 2, x)

    sigma = losses.matching_sigma(bound)
    assert distance(sigma) < min(distance(sigma * 0.99), distance(sigma * 1.01))


def test_sigma_refuses_nonsense_and_is_resolved():
    with pytest.raises(ValueError, match="bound"):
        losses.matching_sigma(0.0)
    assert losses.resolve_sigma(Reconstruction(sigma=0.7)) == 0.7
    assert losses.resolve_sigma(Reconstruction(sigma=MatchMse(match_mse=0.5))) == pytest.approx(
        1.28796, abs=5e-6
    )
    assert losses.resolve_sigma(Reconstruction(kind="mse")) is None


@pytest.mark.parametrize("sigma", SIGMAS)
def test_inverse_gaussian_matches_float64_up_to_ten_thousand(sigma):
    error = np.concatenate([[0.0, 1e-6, 1e-3], np.geomspace(1e-2, 1e4, 400)])
    error = np.concatenate([-error, error])
    value, slope = reference(error, sigma)
    for e, v, s in zip(error, value, slope, strict=True):
        tensor = torch.tensor([[e]], dtype=torch.float32, requires_grad=True)
        loss = losses.inverse_gaussian(tensor, sigma)
        loss.backward()
        assert loss.dtype == torch.float32
        assert loss.dim() == 0
        assert loss.item() == pytest.approx(v, rel=2e-5, abs=1e-12)
        assert float(tensor.grad) == pytest.approx(s, rel=2e-5, abs=1e-12)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_inverse_gaussian_is_continuous_where_it_becomes_linear(sigma):
    bound = sigma * math.sqrt(2 * 4.19)
    points = torch.tensor([bound * 0.9999, bound, bound * 1.0001], requires_grad=True)
    values = torch.stack([losses.inverse_gaussian(point.reshape(1, 1), sigma) for point in points])
    slopes = torch.autograd.grad(values.sum(), points)[0]
    assert torch.isfinite(slopes).all()
    assert (values[2] / values[0]).item() == pytest.approx(1, abs=3e-3)
    assert slopes.tolist() == pytest.approx([float(slopes[1])] * 3, rel=3e-3)


def test_inverse_gaussian_has_the_stated_curvature_at_0():
    error = torch.tensor([[1e-2]])
    ratio = losses.inverse_gaussian(error, losses.matching_sigma()) / error.square().mean()
    assert float(ratio) == pytest.approx(0.907, abs=1e-3)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 1e4])
def test_sample_mean_takes_the_exponential_of_each_samples_mean(sigma, scale):
    error = scale * torch.randn(3, 4, 8, 8, generator=generator(0, "error"))
    error.requires_grad_()
    loss = losses.inverse_gaussian(error, sigma, "sample_mean")
    loss.backward()
    rms = error.detach().double().square().flatten(1).mean(1).sqrt().numpy()
    assert loss.item() == pytest.approx(reference(rms, sigma)[0].mean(), rel=1e-4, abs=1e-12)
    assert torch.isfinite(error.grad).all()


def test_inverse_gaussian_is_computed_in_float32_whatever_comes_in():
    error = torch.full((1, 64), 3.0, dtype=torch.float16)
    assert losses.inverse_gaussian(error, 0.5).dtype == torch.float32
    with pytest.raises(ValueError, match="sigma"):
        losses.inverse_gaussian(error, 0.0)
    with pytest.raises(ValueError, match="reduction"):
        losses.inverse_gaussian(error, 1.0, "sum")


def test_share_in_continuation_counts_elements_past_four():
    error = torch.tensor([[0.0, 3.9, -4.1, 100.0]])
    assert float(losses.share_in_continuation(error, losses.matching_sigma())) == 0.5


@pytest.fixture
def noised():
    from tests.tiny_models import tiny_text_to_image

    alpha_bar = tiny_text_to_image().noise_schedule().alphas_cumprod[[0, 10, 500, 999]]
    clean = torch.randn(4, 4, 8, 8, generator=generator(1, "clean"))
    noise = torch.randn(4, 4, 8, 8, generator=generator(1, "noise"))
    return clean, noise, alpha_bar, losses.add_noise(clean, noise, alpha_bar)


def test_noising_is_the_schedulers(noised):
    from tests.tiny_models import tiny_text_to_image

    clean, noise, _, noisy = noised
    theirs = tiny_text_to_image().noise_schedule().add_noise(clean, noise, torch.tensor([0, 10, 500, 999]))
    torch.testing.assert_close(noisy, theirs)


def test_clean_latent_is_exact_when_epsilon_is(noised):
    clean, noise, alpha_bar, noisy = noised
    torch.testing.assert_close(losses.clean_latent(noisy, noise, alpha_bar), clean, atol=5e-5, rtol=0)
    assert losses.clean_latent(noisy.bfloat16(), noise.bfloat16(), alpha_bar).dtype == torch.float32


def test_velocity_is_converted_to_the_noise(noised):
    from tests.tiny_models import tiny_text_to_image

    clean, noise, alpha_bar, noisy = noised
    schedule = tiny_text_to_image("v_prediction").noise_schedule()
    velocity = schedule.get_velocity(clean, noise, torch.tensor([0, 10, 500, 999]))
    converted = losses.epsilon_from(velocity, noisy, alpha_bar, "v_prediction")
    torch.testing.assert_close(converted, noise, atol=1e-5, rtol=0)
    assert torch.equal(losses.epsilon_from(noise, noisy, alpha_bar, "epsilon"), noise)
    with pytest.raises(ValueError, match="sample"):
        losses.epsilon_from(noise, noisy, alpha_bar, "sample")


def test_z0_weightings():
    alpha_bar = torch.tensor([0.0047, 0.5, 0.9])
    assert losses.z0_weight(alpha_bar, "none").tolist() == [1, 1, 1]
    assert torch.equal(losses.z0_weight(alpha_bar, "alpha_bar"), alpha_bar)
    snr = [0.0047 / 0.9953 / 5, 1 / 5, 1.0]
    assert losses.z0_weight(alpha_bar, "snr_clip").tolist() == pytest.approx(snr)
    with pytest.raises(ValueError, match="z0_weighting"):
        losses.z0_weight(alpha_bar, "sigmoid")


def test_adversarial_losses_are_least_squares():
    scores = torch.tensor([1.0, 0.0, 3.0])
    assert float(losses.discriminator_loss(scores, torch.tensor([1.0, 0.0, 0.0]))) == 3.0
    assert float(losses.latent_discriminator_loss(scores, torch.ones(3))) == pytest.approx(5 / 3)
    assert float(losses.latent_discriminator_loss(scores, torch.tensor([1.0, 1.0, 0.0]))) == pytest.approx(
        1 / 3
    )
