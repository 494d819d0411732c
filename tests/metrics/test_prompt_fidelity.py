"""``clip_t`` and the paper's variant of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cosine_similarity

from hypnos_pipeline.metrics.clip_t import clip_t
from hypnos_pipeline.metrics.clip_t_paper import clip_t_paper, clip_t_paper_of_embeddings, end_of_text_states
from hypnos_pipeline.models.finetuned import add_token
from tests.metrics.conftest import random_images
from tests.tiny_models import tiny_text_to_image

PROMPTS = ["a photo of a robot", "a red chair", "a photo of a robot"]


def test_clip_t_takes_each_image_with_its_own_prompt(networks):
    images = random_images(3)
    values = clip_t(images, PROMPTS, networks.clip)
    pictures, texts = networks.clip.embed_images(images), networks.clip.embed_texts(PROMPTS)
    torch.testing.assert_close(values, cosine_similarity(pictures, texts), rtol=1e-5, atol=1e-6)


@pytest.fixture
def inverted():
    """A model with a learned token, whose id is the largest, and whose configuration pools there."""
    model = tiny_text_to_image()
    add_token(model, "<sks>", torch.full((32,), 0.3))
    model.text_encoder.eos_token_id = 2  # Stable Diffusion 1.5's configuration
    return model


def test_paper_variant_reads_the_first_end_of_text_by_position(inverted):
    ids = inverted.encode_prompts(["a photo of <sks>", "<sks> robot on the beach"])
    assert ids.max() == inverted.tokenizer.convert_tokens_to_ids("<sks>")
    end = inverted.tokenizer.eos_token_id
    states = end_of_text_states(inverted.text_encoder, ids, end)
    with torch.no_grad():
        output = inverted.text_encoder(ids)
    for row, state in enumerate(states):
        position = ids[row].tolist().index(end)
        torch.testing.assert_close(state, output.last_hidden_state[row, position])
        # the trap: what the pooler gives is the placeholder's own state
        assert not torch.allclose(state, output.pooler_output[row], atol=1e-3)


def test_paper_variant_is_the_cosine_with_the_image_embedding(inverted):
    embeddings = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    prompts = ["a photo of <sks>", "a red <sks>", "a photo of <sks>"]
    values = clip_t_paper_of_embeddings(embeddings, prompts, inverted)
    ids = inverted.encode_prompts(prompts)
    states = end_of_text_states(inverted.text_encoder, ids, inverted.tokenizer.eos_token_id)
    torch.testing.assert_close(values, cosine_similarity(embeddings, states), rtol=1e-5, atol=1e-6)


def test_paper_variant_is_undefined_where_dimensions_differ(networks):
    # the tiny CLIP embeds into 16 dimensions, the tiny text encoder's states have 32
    assert clip_t_paper(random_images(3), PROMPTS, tiny_text_to_image(), networks.clip) is None


def test_tokens_without_an_end_are_refused():
    model = tiny_text_to_image()
    with pytest.raises(ValueError, match="no end-of-text"):
        end_of_text_states(model.text_encoder, torch.zeros(1, 77, dtype=torch.long), 999)
