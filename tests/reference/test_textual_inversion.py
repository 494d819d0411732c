"""Textual inversion's step against the published ``textual_inversion.py``: only the new row learns.

The script trains the whole table of embeddings and puts every row but the new one back after each step; its
gradient of that row is what the product's single row must get.
"""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import mse_loss

from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.training import textual_inversion as module
from hypnos_pipeline.training.draws import PoolDraws, draw_half
from hypnos_pipeline.training.optimisation import Updater
from hypnos_pipeline.training.settings import Augmented, TextualInversionSettings
from tests.reference.subject import cached_latents, published_error
from tests.tiny_models import tiny_text_to_image

SEED, BATCH, NOUN = 42, 2, "rattan chair"
SETTINGS = TextualInversionSettings(steps=1, batch=BATCH)


def published_gradient(kind: str, prediction_type: str) -> tuple[float, torch.Tensor, int]:
    """Returns loss, the gradient of the whole table, and the new row's number."""
    model, cache = tiny_text_to_image(prediction_type), cached_latents(kind)
    model.tokenizer.add_tokens(SETTINGS.token)
    model.text_encoder.resize_token_embeddings(len(model.tokenizer), mean_resizing=False)
    table = model.text_encoder.get_input_embeddings().weight
    row = model.tokenizer.convert_tokens_to_ids(SETTINGS.token)
    words = model.tokenizer.encode(NOUN, add_special_tokens=False)
    with torch.no_grad():
        table[row] = table[words].mean(0)
    chosen = PoolDraws(cache.kinds("pool"), Augmented(recolour_probability=0.0), SEED).draw(1, BATCH)
    half = draw_half(cache, "pool", chosen, timesteps=1000, seed=SEED, step=1)
    ids = model.tokenizer(
        [f"a photo of {SETTINGS.token}"] * BATCH, padding="max_length", max_length=77, return_tensors="pt"
    ).input_ids
    prediction, target = published_error(model, half, model.text_encoder(ids)[0])
    loss = mse_loss(prediction.float(), target.float())
    loss.backward()
    return loss.item(), table.grad, row


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_loss_and_gradient_of_the_new_row_are_the_published_ones(kind, prediction_type, monkeypatch):
    caught = []

    class Watched(Updater):
        """Keeps the gradients of what is trained."""

        def release(self):
            caught.append([parameter.grad.clone() for parameter in self.parameters])
            super().release()

    monkeypatch.setattr(module, "Updater", Watched)
    model = tiny_text_to_image(prediction_type)
    before = model.text_encoder.get_input_embeddings().weight.detach().clone()
    _, curve, _ = module.textual_inversion(
        model, cached_latents(kind), SETTINGS, noun=NOUN, seed=SEED, runtime=RuntimeSettings(threads=1)
    )
    loss, table, row = published_gradient(kind, prediction_type)
    assert curve[0]["loss"] == pytest.approx(loss, rel=1e-5)
    ((gradient,),) = caught  # one step, one trained tensor
    assert (gradient - table[row]).norm() <= 1e-5 * table[row].norm()
    # The script's table gets gradients elsewhere too (at the other words), which it undoes.
    assert table[:row].any()
    assert torch.equal(model.text_encoder.get_input_embeddings().weight[:row], before)
