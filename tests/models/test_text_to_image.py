"""Loading, saving, schedules and refusals of the text-to-image model."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from hypnos_pipeline.errors import UnsupportedModel, UnsupportedSchedule
from hypnos_pipeline.models.generation import generate
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.settings import SamplerSettings
from hypnos_pipeline.models.text_to_image import check_schedule, load_text_to_image, save_text_to_image
from tests.models.conftest import plain_diffusers
from tests.tiny_models import WORDS, tiny_text_to_image, tiny_tokenizer


def contents(folder: Path) -> dict[str, bytes]:
    return {name: file.read_bytes() for name, file in files_of(folder).items()}


def test_saved_folder_gives_the_same_image_in_plain_diffusers(saved: Path) -> None:
    from diffusers import StableDiffusionPipeline

    settings, prompt = SamplerSettings(steps=4, guidance=5.0), "a photo of sks robot"
    ours = generate(tiny_text_to_image(), [prompt], [7], settings, 16)[0]
    pipeline = StableDiffusionPipeline.from_pretrained(saved, local_files_only=True)
    assert np.array_equal(ours, plain_diffusers(pipeline, prompt, 7, settings))


def test_bytes_depend_on_the_model_alone(saved: Path, tmp_path: Path) -> None:
    # Loaded from elsewhere, and its tokenizer used: neither may show.
    model = load_text_to_image(saved)
    model.encode_prompts(["a photo"])
    generate(model, ["a photo"], [1], SamplerSettings(steps=2), 16)
    save_text_to_image(model, tmp_path / "again")
    again = contents(tmp_path / "again")
    assert again == contents(saved)
    for name, content in again.items():
        if name.endswith(".json"):
            for place in (saved, tmp_path, Path.cwd(), Path.home()):
                assert os.fsencode(f"{place}{os.sep}") not in content, name
            assert b"name_or_path" not in content, name


def test_loads_half_precision_as_float32_without_training_mode(tmp_path: Path) -> None:
    half = tiny_text_to_image()
    for network in (half.unet, half.text_encoder, half.vae):
        network.half()
    save_text_to_image(half, tmp_path)
    model = load_text_to_image(tmp_path)
    for network in (model.unet, model.text_encoder, model.vae):
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
        assert not network.training


def test_noise_schedule_is_the_base_models_own() -> None:
    model = tiny_text_to_image(prediction_type="v_prediction", beta_end=0.02, num_train_timesteps=500)
    schedule = model.noise_schedule()
    assert type(schedule).__name__ == "DDPMScheduler"
    assert schedule.config.prediction_type == "v_prediction"
    assert schedule.config.num_train_timesteps == 500
    assert torch.equal(schedule.alphas_cumprod, model.scheduler.alphas_cumprod)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"prediction_type": "sample"}, "prediction_type is 'sample', expected epsilon or v_prediction"),
        ({"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr is true"),
        ({"trained_betas": [0.1] * 999 + [1.0]}, "zero terminal SNR"),
    ],
)
def test_unusable_schedules_are_refused_by_name(tmp_path: Path, schedule: dict, message: str) -> None:
    model = tiny_text_to_image(scheduler="DDIMScheduler", **schedule)
    with pytest.raises(UnsupportedSchedule, match=f"DDIMScheduler: .*{message}"):
        model.noise_schedule()
    save_text_to_image(model, tmp_path)
    with pytest.raises(UnsupportedModel, match=message):
        load_text_to_image(tmp_path)


def test_flow_matching_is_refused() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    with pytest.raises(UnsupportedSchedule, match="FlowMatchEulerDiscreteScheduler: of another"):
        check_schedule(FlowMatchEulerDiscreteScheduler())


def test_tiny_tokenizer_knows_its_words() -> None:
    tokenizer = tiny_tokenizer()
    for word in WORDS:
        start, token, end = tokenizer(word).input_ids
        assert (start, end) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
        assert token != tokenizer.unk_token_id, word


def test_encoded_prompts_have_the_models_length() -> None:
    assert tiny_text_to_image().encode_prompts(["a photo of sks robot", "a chair"]).shape == (2, 77)


def test_the_published_layout_loads_to_the_same_model(saved: Path, tmp_path: Path) -> None:
    """As Stable Diffusion 1.5 lies on the hub, with a safety checker's name and a tokenizer of two files."""
    published = tmp_path / "published"
    shutil.copytree(saved, published)
    index = json.loads((published / "model_index.json").read_text())
    index |= {
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
        "requires_safety_checker": True,
    }
    (published / "model_index.json").write_text(json.dumps(index))
    tokenizer = json.loads((published / "tokenizer/tokenizer.json").read_text())["model"]
    (published / "tokenizer/tokenizer.json").unlink()
    (published / "tokenizer/vocab.json").write_text(json.dumps(tokenizer["vocab"]))
    merges = [" ".join(pair) for pair in tokenizer["merges"]]
    (published / "tokenizer/merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    ours, theirs = load_text_to_image(saved), load_text_to_image(published)
    prompts = ["a photo of sks robot, red background", "żółw unknown"]
    assert theirs.encode_prompts(prompts).tolist() == ours.encode_prompts(prompts).tolist()
    sampler = SamplerSettings(steps=2)
    images = [generate(model, prompts[:1], [1], sampler, 16) for model in (ours, theirs)]
    assert np.array_equal(*images)
