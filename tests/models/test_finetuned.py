"""Finetuned models load here and in plain diffusers, to the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hypnos_pipeline.errors import ModelError
from hypnos_pipeline.models.contents import model_tensors
from hypnos_pipeline.models.finetuned import (
    LEARNED_TOKEN_FILE,
    FullFinetune,
    LearnedToken,
    add_token,
    load_finetuned,
    load_learned_token,
    save_finetuned,
)
from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.settings import ModelReference, SamplerSettings
from tests.models.conftest import plain_diffusers
from tests.tiny_models import tiny_text_to_image

SAMPLER = SamplerSettings(steps=4, guidance=5.0)
PROMPT = "a photo of <sks> on the beach"


@pytest.fixture
def base(saved: Path) -> ModelReference:
    return ModelReference(folder=str(saved))


def learned() -> LearnedToken:
    return LearnedToken("<sks>", torch.linspace(-0.5, 0.5, 32), "robot")


def test_learned_token_gives_the_same_image_as_diffusers(base: ModelReference, tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline

    save_finetuned(learned(), tmp_path)
    ours = generate(load_finetuned(tmp_path, base), [PROMPT], [3], SAMPLER, 16)[0]
    for source in (tmp_path, tmp_path / LEARNED_TOKEN_FILE):
        pipeline = StableDiffusionPipeline.from_pretrained(base.folder, local_files_only=True)
        pipeline.load_textual_inversion(str(source))
        assert np.array_equal(ours, plain_diffusers(pipeline, PROMPT, 3, SAMPLER))
    assert not np.array_equal(ours, generate(tiny_text_to_image(), [PROMPT], [3], SAMPLER, 16)[0])


def test_learned_token_survives_and_its_bytes_do_not_vary(tmp_path: Path) -> None:
    token = learned()
    for name in ("a", "b"):
        save_finetuned(token, tmp_path / name)
    first, second = ((tmp_path / name / LEARNED_TOKEN_FILE).read_bytes() for name in ("a", "b"))
    assert first == second
    read = load_learned_token(tmp_path / "a")
    assert (read.token, read.noun) == ("<sks>", "robot")
    assert torch.equal(read.embedding, token.embedding)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"<sks>": torch.full((32,), torch.nan)}, "hold NaN or infinity .<sks>, stored as float32"),
        ({"<sks>": torch.zeros(32), "<other>": torch.zeros(32)}, "2 tensors, expected the row of one token"),
    ],
)
def test_a_learned_token_that_cannot_be_one_is_refused(tmp_path: Path, rows: dict, message: str) -> None:
    save_file(rows, tmp_path / LEARNED_TOKEN_FILE)
    with pytest.raises(ModelError, match=f"{LEARNED_TOKEN_FILE}: .*{message}"):
        load_learned_token(tmp_path)


def test_adding_a_token_leaves_every_other_row() -> None:
    model = tiny_text_to_image()
    before = model.text_encoder.get_input_embeddings().weight.detach().clone()
    state = torch.random.get_rng_state()
    row = add_token(model, "<sks>", learned().embedding)
    after = model.text_encoder.get_input_embeddings().weight
    assert torch.equal(after[:row], before)
    assert torch.equal(after[row], learned().embedding)
    assert row == len(before) == len(after) - 1
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.encode_prompts(["a photo of <sks>"])[0, 4] == row


def test_known_tokens_and_wrong_rows_are_refused() -> None:
    model = tiny_text_to_image()
    with pytest.raises(ValueError, match="'robot</w>' is already a token of the base model"):
        add_token(model, "robot</w>", learned().embedding)
    with pytest.raises(ValueError, match="expected a row of 32 numbers"):
        add_token(model, "<sks>", torch.zeros(16))
    with pytest.raises(ValueError, match="expected a 1-D embedding"):
        save_finetuned(LearnedToken("<sks>", torch.zeros(1, 32), "robot"), Path("unused"))


def test_full_finetune_loads_as_saved(base: ModelReference, tmp_path: Path) -> None:
    model = tiny_text_to_image(seed=5)
    save_finetuned(FullFinetune(model), tmp_path)
    loaded = load_finetuned(tmp_path, base)
    state = model_tensors(loaded)
    assert all(torch.equal(value, state[name]) for name, value in model_tensors(model).items())
