"""The terms of Eq. 1 as plain functions (method.md §5; paper 3.4.1–3.4.4, Eq. 2–7)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.training.settings import Reconstruction

Reduction = Literal["elementwise", "sample_mean"]

# e²/2σ² up to which Eq. 2 is exponential: |e| = 4 at the default σ. Beyond, it goes on as a straight line.
LARGEST_EXPONENT = 4.19


@lru_cache(maxsize=64)
def matching_sigma(bound: float = 1.0) -> float:
    """Solves Eq. 3: the σ whose inverse Gaussian is closest to x² on [0, bound] in least squares.

    Args:
        bound: a of Eq. 3, positive.

    Returns:
        σ; 1.38191 for bound 1 (the paper prints 1.382).

    Raises:
        ValueError: If ``bound`` is not positive and finite.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    if not (math.isfinite(bound) and bound > 0):
        raise ValueError(f"bound: expected a positive number, got {bound}")
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x = 0.5 * bound * (nodes + 1.0)

    def distance(sigma: float) -> float:
        curve = sigma * math.sqrt(2.0 * math.pi) * np.expm1(x**2 / (2.0 * sigma**2))
        return float(0.5 * bound * np.sum(weights * (x**2 - curve) ** 2))

    # At a → 0 only the curvature counts, √(2π)/2σ = 1, so σ → 1.2533; it grows with a, slower than a.
    bounds = (max(1.2, 0.2 * bound), 1.4 + bound)
    return float(minimize_scalar(distance, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x)


def resolve_sigma(settings: Reconstruction) -> float | None:
    """Returns the configured σ, or None where L_r is plain MSE."""
    if settings.kind == "mse":
        return None
    if isinstance(settings.sigma, float):
        return settings.sigma
    return matching_sigma(settings.sigma.match_mse)


def inverse_gaussian(error: torch.Tensor, sigma: float, reduction: Reduction = "elementwise") -> torch.Tensor:
    """Computes L_r (Eq. 2): the mean of σ√(2π)·(exp(e²/2σ²) − 1).

    Above e²/2σ² = 4.19 the curve continues as the straight line of equal value and slope; e is bounded
    *before* the exponential, because selecting afterwards would let its overflow into the gradient.

    Args:
        error: ε̂ − ε, N×…, any float dtype.
        sigma: σ, positive; larger is flatter.
        reduction: ``elementwise`` takes the exponential of each element; ``sample_mean`` of each sample's
            mean squared error.

    Returns:
        The reduced loss, a 0-dim float32 tensor.

    Raises:
        ValueError: If ``sigma`` is not positive or the reduction is unknown.
    """
    squared = _squared(error, sigma, reduction)
    scale = sigma * math.sqrt(2.0 * math.pi)
    largest = 2.0 * sigma**2 * LARGEST_EXPONENT
    slope = scale * math.exp(LARGEST_EXPONENT) * math.sqrt(largest) / sigma**2
    # One mask for both parts: two comparisons could round apart and leave a value without gradient.
    beyond = squared > largest
    curve = scale * (squared.masked_fill(beyond, largest) / (2.0 * sigma**2)).expm1()
    # √(largest + x) − √largest, written so that it is exactly 0 at x = 0, with finite gradients everywhere.
    excess = (squared - largest).masked_fill(~beyond, 0.0)
    line = slope * excess / ((largest + excess).sqrt() + math.sqrt(largest))
    return (curve + line).mean()


def share_in_continuation(
    error: torch.Tensor, sigma: float, reduction: Reduction = "elementwise"
) -> torch.Tensor:
    """Returns how much of a batch lies on the straight line of :func:`inverse_gaussian`, in [0, 1], 0-dim."""
    squared = _squared(error.detach(), sigma, reduction)
    return (squared > 2.0 * sigma**2 * LARGEST_EXPONENT).float().mean()


def _squared(error: torch.Tensor, sigma: float, reduction: str) -> torch.Tensor:
    """Returns e² per element, or its mean per sample, float32."""
    if sigma <= 0:
        raise ValueError(f"sigma: expected a positive number, got {sigma}")
    squared = error.float().square()
    if reduction == "elementwise":
        return squared
    if reduction == "sample_mean":
        return squared.flatten(1).mean(dim=1)
    raise ValueError(f"reduction: expected 'elementwise' or 'sample_mean', got {reduction!r}")


def mse(error: torch.Tensor) -> torch.Tensor:
    """Returns the mean squared error, L_pp of Eq. 4, a 0-dim float32 tensor."""
    return error.float().square().mean()


def reconstruction(error: torch.Tensor, settings: Reconstruction, sigma: float | None) -> torch.Tensor:
    """Returns L_r as configured; ``sigma`` is :func:`resolve_sigma`'s answer."""
    return mse(error) if sigma is None else inverse_gaussian(error, sigma, settings.reduction)


def epsilon_from(
    prediction: torch.Tensor, noisy: torch.Tensor, alpha_bar: torch.Tensor, prediction_type: str
) -> torch.Tensor:
    """Converts a model's output to ε̂, on which every loss acts.

    Args:
        prediction: The UNet's output, N×C×H×W.
        noisy: z_t, likewise.
        alpha_bar: ᾱ_t per sample, N.
        prediction_type: ``epsilon`` or ``v_prediction`` (ε̂ = √ᾱ_t v̂ + √(1−ᾱ_t) z_t).

    Returns:
        ε̂, float32.

    Raises:
        ValueError: For other prediction types.
    """
    if prediction_type == "epsilon":
        return prediction.float()
    if prediction_type == "v_prediction":
        signal, noise = _factors(alpha_bar)
        return signal * prediction.float() + noise * noisy.float()
    raise ValueError(f"prediction_type: expected 'epsilon' or 'v_prediction', got {prediction_type!r}")


def add_noise(latents: torch.Tensor, noise: torch.Tensor, alpha_bar: torch.Tensor) -> torch.Tensor:
    """Returns z_t = √ᾱ_t z + √(1−ᾱ_t) ε, float32."""
    signal, amount = _factors(alpha_bar)
    return signal * latents.float() + amount * noise.float()


def clean_latent(noisy: torch.Tensor, epsilon: torch.Tensor, alpha_bar: torch.Tensor) -> torch.Tensor:
    """Returns z0 = (z_t − √(1−ᾱ_t) ε̂)/√ᾱ_t in float32 (half precision costs 0.06 rmse at t = 999)."""
    signal, noise = _factors(alpha_bar)
    return (noisy.float() - noise * epsilon.float()) / signal


def _factors(alpha_bar: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    shaped = alpha_bar.float().reshape(-1, 1, 1, 1)
    return shaped.sqrt(), (1.0 - shaped).sqrt()


def z0_weight(alpha_bar: torch.Tensor, kind: str) -> torch.Tensor:
    """Returns the factor of L_p and L_ld per sample (``z0_weighting``).

    Args:
        alpha_bar: ᾱ_t per sample, N.
        kind: ``none`` 1 (the paper's letter), ``alpha_bar`` ᾱ_t, ``snr_clip`` min(SNR_t, 5)/5.

    Raises:
        ValueError: For other kinds.
    """
    import torch

    if kind == "none":
        return torch.ones_like(alpha_bar, dtype=torch.float32)
    if kind == "alpha_bar":
        return alpha_bar.float()
    if kind == "snr_clip":
        return (alpha_bar.float() / (1.0 - alpha_bar.float())).clamp(max=5.0) / 5.0
    raise ValueError(f"z0_weighting: expected 'none', 'alpha_bar' or 'snr_clip', got {kind!r}")


def latent_discriminator_loss(scores: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Returns L_ld (Eq. 7): the weighted mean of (1 − LD(z0))², 0-dim float32."""
    return (weight * (1.0 - scores.float()).square()).mean()


def discriminator_loss(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Returns the discriminator's own least squares (real 1, fake 0), 0-dim float32."""
    return (scores.float() - targets.float()).square().mean()
