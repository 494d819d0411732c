"""The VAE that training keeps frozen: smaller, close to its own, and given back unchanged."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from hypnos_pipeline.models.runtime import autocast
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.models.text_to_image import decode
from hypnos_pipeline.training.frozen_vae import frozen_vae, kept_vae
from tests.tiny_models import tiny_text_to_image

CPU = torch.device("cpu")
FLOAT32 = RuntimeSettings(device="cpu")
HALF = RuntimeSettings(device="cpu", precision="bfloat16", frozen_vae="half")
INT8 = RuntimeSettings(device="cpu", precision="bfloat16", frozen_vae="int8")
INT8_IN_FLOAT32 = RuntimeSettings(device="cpu", precision="float32", frozen_vae="int8")


def used(vae, runtime: RuntimeSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """What training takes of a frozen VAE: decoded images, and their gradient to the latent."""
    draw = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 4, 8, 8, generator=draw).requires_grad_()
    with autocast(runtime, CPU):
        decoded = decode(vae, latents)
    (gradient,) = torch.autograd.grad(decoded.square().sum(), latents)
    return decoded.detach(), gradient


def size(vae) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in vae.state_dict().values())


def test_by_default_it_is_the_vae_itself():
    vae = tiny_text_to_image().vae
    assert kept_vae(vae, FLOAT32) is vae


@pytest.mark.parametrize(
    ("runtime", "largest"),
    [(HALF, 0.51), (INT8, 0.30), (INT8_IN_FLOAT32, 0.32)],
    ids=["half", "int8", "int8 in float32"],
)
def test_a_smaller_vae_is_close_to_the_original(runtime, largest):
    vae = tiny_text_to_image().vae
    kept = kept_vae(vae, runtime)
    assert size(kept) < largest * size(vae)
    assert not any(parameter.requires_grad for parameter in kept.parameters())
    for found, own in zip(used(kept, runtime), used(vae, FLOAT32), strict=True):
        assert found.dtype == torch.float32
        assert 0 < (found - own).norm() < 0.03 * own.norm()


def test_the_model_gets_its_own_back_bit_for_bit():
    model = tiny_text_to_image()
    own, before = model.vae, {name: tensor.clone() for name, tensor in model.vae.state_dict().items()}
    with frozen_vae(model, HALF):
        assert model.vae is not own
        assert model.vae.dtype == torch.bfloat16
    assert model.vae is own
    assert all(torch.equal(tensor, before[name]) for name, tensor in own.state_dict().items())


def test_half_a_vae_needs_half_precision():
    with pytest.raises(ValidationError, match="frozen_vae: 'half' with precision 'float32'"):
        RuntimeSettings(precision="float32", frozen_vae="half")
