"""Cached posteriors are the encoder's, and latents are scaled everywhere."""

from __future__ import annotations

import json

import pytest
import torch

from hypnos_pipeline.models.text_to_image import decode
from hypnos_pipeline.randomness import generator
from hypnos_pipeline.training.latents import LatentCache, encode_posteriors
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import latents, pool


def pixels(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1.0


def test_posteriors_are_the_encoders_whatever_the_batch():
    vae, images = tiny_text_to_image().vae, pool().stack()
    with torch.no_grad():
        theirs = vae.encode(pixels(images)).latent_dist
    for batch in (1, 5, 64):
        mean, deviation = encode_posteriors(vae, images, batch)
        torch.testing.assert_close(mean, theirs.mean, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(deviation, theirs.std, atol=1e-5, rtol=1e-5)


def test_sampling_has_the_encoders_scaled_mean_and_variance():
    cache, count = latents(), 20_000
    noise = torch.randn(count, *cache.shape, generator=generator(0, "posterior"))
    drawn = cache.sample("pool", [3] * count, noise)
    mean, deviation = (
        cache.scaling_factor * cache.means["pool"][3],
        cache.scaling_factor * cache.deviations["pool"][3],
    )
    assert float(((drawn.mean(0) - mean).abs() / deviation).max()) < 5 / count**0.5
    assert float((drawn.std(0) / deviation - 1).abs().max()) < 5 / (2 * count) ** 0.5


def test_one_sample_equals_diffusers_own_sampling():
    model, cache = tiny_text_to_image(), latents()
    posterior = model.vae.encode(pixels(pool().stack()[:1])).latent_dist
    theirs = posterior.sample(generator=generator(5, "n")) * model.vae.config.scaling_factor
    ours = cache.sample("pool", [0], torch.randn(1, *cache.shape, generator=generator(5, "n")))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_decoding_equals_the_vaes_own_round_trip():
    model, cache = tiny_text_to_image(), latents()
    scaled = cache.sample("pool", [0, 1], torch.zeros(2, *cache.shape))
    with torch.no_grad():
        theirs = (
            model.vae.decode(model.vae.encode(pixels(pool().stack()[:2])).latent_dist.mean).sample / 2 + 0.5
        )
        torch.testing.assert_close(decode(model.vae, scaled), theirs, atol=1e-5, rtol=1e-5)


def test_cache_survives_tensors_and_json():
    cache = latents()
    again = LatentCache.from_tensors(cache.to_tensors(), json.loads(json.dumps(cache.to_metadata())))
    assert again.rows == cache.rows
    assert again.scaling_factor == cache.scaling_factor
    assert all(torch.equal(again.to_tensors()[name], tensor) for name, tensor in cache.to_tensors().items())


def test_point_posteriors_of_a_tiny_autoencoder():
    from diffusers import AutoencoderTiny

    vae = AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    ).eval()
    mean, deviation = encode_posteriors(vae, pool().stack()[:2])
    assert mean.shape[1] == 4
    assert not deviation.any()


def test_encoding_refuses_other_arrays():
    with pytest.raises(ValueError, match="uint8"):
        encode_posteriors(tiny_text_to_image().vae, pool().stack() / 255.0)


def test_encoding_is_float32_whatever_surrounds_it():
    vae, images = tiny_text_to_image().vae, pool().stack()[:2]
    with torch.autocast("cpu", torch.bfloat16):
        surrounded = encode_posteriors(vae, images)
    assert all(map(torch.equal, surrounded, encode_posteriors(vae, images)))
    with pytest.raises(ValueError, match=r"float32 to encode with, got torch\.bfloat16"):
        encode_posteriors(vae.to(torch.bfloat16), images)
