"""DreamBooth mode against the published training step of diffusers' ``train_dreambooth.py``.

Written here from what that script does with ``--with_prior_preservation --train_text_encoder``: instance and
class images in one batch, one pass of text encoder and UNet, prediction and target cut in two, mean squared
error of the instance half plus the weighted one of the class half.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import mse_loss

from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.randomness import generator
from hypnos_pipeline.training.draws import Half, PoolDraws, draw_class_images, draw_half
from hypnos_pipeline.training.finetuning import Finetuning
from hypnos_pipeline.training.settings import Augmented, DreamBoothSettings, Optimiser
from tests.reference.gradients import assert_gradients_close, gradients, kept_gradients
from tests.reference.subject import (
    CLASS_IMAGES,
    CLASS_PROMPT,
    cached_latents,
    class_images,
    photos,
    published_error,
)
from tests.tiny_models import tiny_text_to_image

SEED, STEP, BATCH = 42, 1, 2
PROMPT = "a photo of sks robot"
PRIOR_WEIGHT = 0.7


def our_step(kind: str, prediction_type: str) -> tuple[float, dict[str, torch.Tensor]]:
    """Makes the first step of the product's loop, unclipped."""
    model = tiny_text_to_image(prediction_type)
    settings = DreamBoothSettings(
        learning_rate=1e-6,
        steps=1,
        instance_batch=BATCH,
        class_batch=BATCH,
        prior_weight=PRIOR_WEIGHT,
        optimiser=Optimiser(clip_norm=1e9),
    )
    run = Finetuning(
        model, cached_latents(kind), settings.general_form(),
        plain_prompt=PROMPT, seed=SEED, runtime=RuntimeSettings(threads=1),
    )  # fmt: skip
    with kept_gradients(run.updater):
        return run.step(STEP)["loss"], gradients(model.unet, model.text_encoder)


def drawn(kind: str) -> tuple[torch.Tensor, Half]:
    """Returns the pictures that the product draws for that step, and both halves of the batch in one."""
    cache = cached_latents(kind)
    rows = PoolDraws(cache.kinds("pool"), Augmented(recolour_probability=0.0), SEED).draw(STEP, BATCH)
    others = draw_class_images(CLASS_IMAGES, SEED, STEP, BATCH)
    halves = [
        draw_half(cache, section, chosen, timesteps=1000, seed=SEED, step=STEP)
        for section, chosen in (("pool", rows), ("class_prior", others))
    ]
    pixels = torch.from_numpy(photos(kind)[rows]), torch.from_numpy(class_images(kind)[others])
    both = (torch.cat([getattr(half, name) for half in halves]) for name in ("latents", "noise", "timesteps"))
    return torch.cat(pixels).permute(0, 3, 1, 2) / 127.5 - 1, Half([*rows, *others], *both)


def published_step(
    kind: str, prediction_type: str, on_the_noise: bool = True
) -> tuple[float, dict[str, torch.Tensor]]:
    """Makes the published step on the same draws; see :func:`published_error`."""
    model, (_, given) = tiny_text_to_image(prediction_type), drawn(kind)
    ids = model.tokenizer(
        [PROMPT] * BATCH + [CLASS_PROMPT] * BATCH,
        truncation=True,
        padding="max_length",
        max_length=model.tokenizer.model_max_length,
        return_tensors="pt",
    ).input_ids
    states = model.text_encoder(ids, attention_mask=None)[0]
    prediction, target = published_error(model, given, states, on_the_noise)
    instance, prior = prediction.chunk(2)
    instance_target, prior_target = target.chunk(2)
    loss = mse_loss(instance.float(), instance_target.float())
    loss = loss + PRIOR_WEIGHT * mse_loss(prior.float(), prior_target.float())
    loss.backward()
    return loss.item(), gradients(model.unet, model.text_encoder)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_loss_and_every_gradient_are_the_published_ones(kind, prediction_type):
    """A v-predicting model's error is that of the noise here (method.md §5), √ᾱ_t times the published one."""
    loss, ours = our_step(kind, prediction_type)
    expected, theirs = published_step(kind, prediction_type)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert_gradients_close(ours, theirs)


def test_velocity_is_weighted_as_stated_and_not_as_published():
    loss, _ = our_step("random", "v_prediction")
    assert abs(loss / published_step("random", "v_prediction", on_the_noise=False)[0] - 1) > 0.1


def test_latents_are_samples_of_the_encoded_pictures(kind):
    """The published script encodes the pictures in every step; the product keeps their posteriors."""
    vae, (pixels, given) = tiny_text_to_image().vae, drawn(kind)
    with torch.no_grad():
        posterior = vae.encode(pixels).latent_dist
    shape = (BATCH, *posterior.mean.shape[1:])
    standard = [
        torch.randn(shape, generator=generator(SEED, f"training/posterior/{section}", STEP))
        for section in ("pool", "class_prior")
    ]
    sampled = vae.config.scaling_factor * (posterior.mean + posterior.std * torch.cat(standard))
    torch.testing.assert_close(given.latents, sampled, rtol=1e-5, atol=1e-6)
