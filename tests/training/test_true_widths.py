"""L_p's gradient at the true widths, through a decoder each of whose layers rounds to half precision.

A CPU has no float16 convolutions of its own and emulates them 20 times slower. So the layers compute in
float32 here, and what enters and leaves each of them is rounded, forwards and backwards, as a GPU does that
adds up in float32. The pictures have 64 px; the loss is scaled down as if they had the paper's 512.
"""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from diffusers import AutoencoderKL

from hypnos_pipeline.models.random.drawing import calibrate, drawn, synthetic_images
from hypnos_pipeline.models.random.text_to_image import VAE
from hypnos_pipeline.models.text_to_image import decode
from hypnos_pipeline.training.perceptual import feature_distance, keep_in_range, stage_features
from hypnos_pipeline.training.settings import LossWeights, Perceptual

pytestmark = pytest.mark.long

EDGE = 64
AS_AT_512_PIXELS = LossWeights().perceptual * (EDGE / 512) ** 2
BOUNDS = {torch.float16: 0.01, torch.bfloat16: 0.06}
"""Largest relative error."""


class Rounded(torch.autograd.Function):
    """Rounds a tensor, and its gradient, to another type."""

    @staticmethod
    def forward(ctx, value, dtype):
        ctx.dtype = dtype
        return value.to(dtype).float()

    @staticmethod
    def backward(ctx, *gradients):
        return gradients[0].to(ctx.dtype).float(), None


def rounded(network, dtype):
    """Returns a copy whose layers' weights, inputs and outputs are rounded."""
    network = copy.deepcopy(network)
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_pre_hook(
                lambda _layer, inputs: tuple(Rounded.apply(x, dtype) for x in inputs)
            )
            layer.register_forward_hook(lambda _layer, _inputs, output: Rounded.apply(output, dtype))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.to(dtype))
    return network


@pytest.fixture(scope="module")
def networks():
    network = drawn(lambda: timm.create_model("efficientnet_b1"), 0, "efficientnet_b1")
    mean, deviation = (torch.tensor(network.pretrained_cfg[key]).view(3, 1, 1) for key in ("mean", "std"))
    calibrate(network, (synthetic_images(0, 240) - mean) / deviation)
    return drawn(lambda: AutoencoderKL(**VAE), 0, "vae").requires_grad_(False), network.requires_grad_(False)


def gradient(vae, network, *, kept: bool) -> torch.Tensor:
    """Returns λ_p ∂L_p/∂z0 at the size that it has with images of 512 px."""
    image = synthetic_images(1, EDGE)[1:2]
    clean = torch.randn(1, 4, EDGE // 8, EDGE // 8, generator=torch.Generator().manual_seed(0))
    clean.requires_grad_()
    latents = clean.view_as(clean)
    decoded = decode(vae, latents)
    if kept:
        keep_in_range(latents, decoded)
    reference = stage_features(network, image)
    weights, reduction = Perceptual().stage_weights, Perceptual().reduction
    loss = feature_distance(stage_features(network, decoded), reference, weights, reduction)
    (AS_AT_512_PIXELS * loss.sum()).backward()
    return clean.grad


@pytest.mark.parametrize("dtype", BOUNDS)
def test_gradient_through_the_true_decoder_is_float32s(networks, dtype):
    vae, network = networks
    exact, half = gradient(vae, network, kept=False), rounded(vae, dtype)
    found = gradient(half, network, kept=True)
    assert found.all()
    assert float((found - exact).norm() / exact.norm()) < BOUNDS[dtype]
    if dtype == torch.float16:  # without being kept in range it would be noise
        assert float((gradient(half, network, kept=False) - exact).norm() / exact.norm()) > 0.5
