"""Textual inversion moves one row and nothing else."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.training.denoising import Denoiser
from hypnos_pipeline.training.settings import TextualInversionSettings
from hypnos_pipeline.training.textual_inversion import noun_embedding, textual_inversion
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import RUNTIME, SEED, latents, same, weights

SETTINGS = TextualInversionSettings(steps=3, batch=2)


def learn(model, settings=SETTINGS, noun="rattan chair", runtime=RUNTIME):
    return textual_inversion(model, latents(), settings, noun=noun, seed=SEED, runtime=runtime)


def all_but_tokens(model):
    states = model.text_encoder.state_dict()
    return [states[name] for name in sorted(states) if "token_embedding" not in name]


def test_only_the_new_row_moves():
    model = tiny_text_to_image()
    rows = model.text_encoder.get_input_embeddings().weight.detach().clone()
    start = noun_embedding(model, "rattan chair")
    others = [tensor.clone() for tensor in all_but_tokens(model)]
    frozen = weights(model.unet, model.vae)

    learned, curve, report = learn(model)

    after = model.text_encoder.get_input_embeddings().weight.detach()
    assert torch.equal(after[:-1], rows)
    assert torch.equal(after[-1], learned.embedding)
    assert not torch.equal(learned.embedding, start)
    assert report["distance_moved"] == pytest.approx(float((learned.embedding - start).norm()))
    assert same(all_but_tokens(model), others)
    assert same(frozen, weights(model.unet, model.vae))
    assert [row["step"] for row in curve] == [1, 2, 3]
    assert all(parameter.grad is None for parameter in model.unet.parameters())


def test_it_starts_from_the_mean_of_the_nouns_embeddings():
    model = tiny_text_to_image()
    ids = [model.tokenizer.convert_tokens_to_ids(word) for word in ("rattan</w>", "chair</w>")]
    expected = model.text_encoder.get_input_embeddings().weight[ids].mean(0)
    torch.testing.assert_close(noun_embedding(model, "rattan chair"), expected)


def test_no_weight_decay_and_no_use_of_unseen_rows():
    """With a vanishing rate the row stays where it began: decay would pull it to 0."""
    model = tiny_text_to_image()
    start = noun_embedding(model, "robot")
    learned, _, _ = learn(model, TextualInversionSettings(steps=2, learning_rate=1e-30), "robot")
    assert torch.equal(learned.embedding, start)


def test_it_repeats_itself():
    first, second = learn(tiny_text_to_image())[0], learn(tiny_text_to_image())[0]
    assert torch.equal(first.embedding, second.embedding)


def test_every_image_has_a_template_of_its_own_drawn_anew(monkeypatch):
    seen = []
    predict = Denoiser.predict

    def watched(self, halves, prompts):
        seen.append(prompts)
        return predict(self, halves, prompts)

    monkeypatch.setattr(Denoiser, "predict", watched)
    templates = ("a photo of a {subject}", "the {subject}", "a rendering of a {subject}")
    several = TextualInversionSettings(steps=6, batch=4, templates=templates)
    learned = learn(tiny_text_to_image(), several)[0]
    filled = {template.format(subject="<sks>") for template in templates}
    assert [len(prompts) for prompts in seen] == [4] * 6
    assert {prompt for prompts in seen for prompt in prompts} == filled
    assert len({tuple(prompts) for prompts in seen}) > 1
    assert any(len(set(prompts)) > 1 for prompts in seen)

    seen.clear()
    plain = several.model_copy(update={"templates": ("a photo of {subject}",)})
    learned_plainly = learn(tiny_text_to_image(), plain)[0]
    assert {prompt for prompts in seen for prompt in prompts} == {"a photo of <sks>"}
    absent = several.model_copy(update={"templates": None})
    assert torch.equal(learned_plainly.embedding, learn(tiny_text_to_image(), absent)[0].embedding)
    assert not torch.equal(learned_plainly.embedding, learned.embedding)


def test_existing_words_are_refused():
    model = tiny_text_to_image()
    learn(model)
    with pytest.raises(ValueError, match="<sks>"):
        learn(model)


def test_phrase_replaces_subject_or_stands_before_the_noun():
    assert SETTINGS.learned_phrase("robot") == "<sks>"
    assert TextualInversionSettings(steps=1, phrase="token_noun").learned_phrase("robot") == "<sks> robot"


@pytest.mark.parametrize(("precision", "largest"), [("float16", 0.01), ("bfloat16", 0.05)])
def test_half_precision_learns_the_same_token(precision, largest):
    half = RUNTIME.model_copy(update={"precision": precision})
    found, exact = (learn(tiny_text_to_image(), runtime=each)[0].embedding for each in (half, RUNTIME))
    start = noun_embedding(tiny_text_to_image(), "rattan chair")
    assert found.dtype == torch.float32
    assert 0 < float((found - exact).norm() / (exact - start).norm()) < largest
