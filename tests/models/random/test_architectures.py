"""Random networks: the true sizes, the same bytes for the same seed, and features that vary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hypnos_pipeline.models.lock import recorded_files
from hypnos_pipeline.models.random import convolutional, encoders, folder, text_to_image
from hypnos_pipeline.models.random.drawing import synthetic_images
from hypnos_pipeline.models.random.tokenizer import WORDS, make_synthetic_tokenizer
from hypnos_pipeline.models.settings import ModelReference, RandomNetwork
from hypnos_pipeline.models.status import model_status
from tests.tiny_models import SMALL_CLIP, TOWER, small_text_to_image


def parameters(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_network_has_the_published_size() -> None:
    import timm
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, ViTConfig, ViTModel

    with torch.device("meta"):  # no memory, no time
        assert parameters(UNet2DConditionModel(**text_to_image.UNET)) == 859_520_964
        assert parameters(AutoencoderKL(**text_to_image.VAE)) == 83_653_863
        assert parameters(CLIPTextModel(CLIPTextConfig(**text_to_image.TEXT_ENCODER))) == 123_060_480
        assert parameters(ViTModel(ViTConfig(**encoders.DINO_VITS16), add_pooling_layer=False)) == 21_665_664
        assert parameters(CLIPModel(CLIPConfig(**encoders.CLIP_VIT_L14))) == 427_616_513
        assert parameters(CLIPModel(CLIPConfig(**encoders.CLIP_VIT_B32))) == 151_277_313
        assert parameters(timm.create_model("efficientnet_b1")) == 7_794_184


def test_the_tokenizer_has_clips_size_and_knows_the_words(tmp_path: Path) -> None:
    from transformers import CLIPTokenizer

    make_synthetic_tokenizer().save_pretrained(tmp_path)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) == len(tokenizer.get_vocab()) == 49_408
    assert tokenizer.model_max_length == 77
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (49_406, 49_407)
    for word in WORDS:
        assert len(tokenizer(f"a photo of {word}, red background").input_ids) == 9, word
    text = "żółw 🐢 and a word that nobody listed"
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text
    with pytest.raises(ValueError, match=r"expected \d+ merges for the words, got room for 86"):
        make_synthetic_tokenizer(600)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    state = torch.random.get_rng_state()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        save_text_to_image(small_text_to_image(seed), tmp_path / name)
    assert torch.equal(torch.random.get_rng_state(), state)
    a, b, c = (recorded_files(tmp_path / name) for name in "abc")
    assert a == b
    differing = {name for name in a if a[name] != c[name]}
    assert {name for name in a if name.endswith(".safetensors")} == differing


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_and_sampling_stay_finite(precision: str) -> None:
    import numpy as np

    from hypnos_pipeline.models.generation import generate
    from hypnos_pipeline.models.runtime import autocast
    from hypnos_pipeline.models.settings import RuntimeSettings, SamplerSettings
    from hypnos_pipeline.training.optimisation import Updater

    model, runtime = small_text_to_image(1), RuntimeSettings(device="cpu", threads=1, precision=precision)
    weights = [*model.unet.parameters(), *model.text_encoder.parameters()]
    updater = Updater(weights, learning_rate=1e-4, weight_decay=0.01, clip_norm=1.0)
    tokens = model.encode_prompts(["a photo of sks robot"])
    for step in (1, 2):
        with autocast(runtime, torch.device("cpu")):
            states = model.text_encoder(tokens).last_hidden_state
            predicted = model.unet(torch.randn(1, 4, 16, 16), torch.tensor([500]), states).sample
        assert updater.update(predicted.float().square().mean(), step) > 0
    with autocast(runtime, torch.device("cpu")):
        images = generate(model, ["a photo of sks robot"] * 2, [1, 2], SamplerSettings(steps=2), 128, None)
    assert images.shape == (2, 128, 128, 3)
    assert np.unique(images).size > 10


def made(architecture: str, place: Path) -> ModelReference:
    """Makes a random network in a folder and returns a reference to it."""
    reference = ModelReference(folder=str(place), random=RandomNetwork(architecture=architecture, seed=5))
    folder.make_random_folder(reference)
    return reference


def spread(features) -> float:
    """The smallest distance between two images' features, relative to their length."""
    distances = torch.cdist(features, features) + torch.eye(len(features)) * 1e9
    return float(distances.min() / features.norm(dim=1).mean())


def test_convolutional_features_vary_from_image_to_image(tmp_path: Path) -> None:
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.lpips import load_lpips_network
    from hypnos_pipeline.models.networks import load_timm
    from hypnos_pipeline.training.perceptual import stage_features

    images = synthetic_images(9, 96, 4)
    reference = made("efficientnet_b1", tmp_path / "perceptual")
    status = model_status("perceptual", reference, {})
    assert (status.present, status.pinned, status.verified, status.problems) == (True, True, True, [])
    assert status.id == "random:efficientnet_b1/5"
    for stage in stage_features(load_timm(tmp_path / "perceptual"), images):
        assert 0.1 < float(stage.std()) < 10
        assert spread(stage.flatten(1)) > 0.1
    network = load_frechet_network(tmp_path / "perceptual")
    assert spread(network.embed(images).final) > 0.02
    for others in (torch.rand(4, 3, 96, 96), torch.zeros(4, 3, 96, 96), torch.rand(4, 3, 96, 96).round()):
        assert float(network.embed(others).final.abs().max()) < 1000
    made("alexnet_lpips", tmp_path / "lpips")
    network = load_lpips_network(tmp_path / "lpips")
    assert [head.numel() for head in network.heads] == [64, 192, 384, 256, 256]
    assert all(spread(tap.flatten(1)) > 0.01 for tap in network.taps(images))


def test_calibration_gives_the_same_bytes_again(tmp_path: Path) -> None:
    for name in "ab":
        convolutional.save_random_timm(tmp_path / name, 5, "test_efficientnet")
    assert recorded_files(tmp_path / "a") == recorded_files(tmp_path / "b")


def test_vision_transformers_load_and_vary(tmp_path: Path) -> None:
    from hypnos_pipeline.models.networks import load_clip, load_vit

    encoders.save_random_vit(tmp_path / "dino", 5, encoders.DINO_VITS16 | TOWER)
    encoders.save_random_clip(tmp_path / "clip", 5, SMALL_CLIP)
    images = synthetic_images(9, 64, 3)
    clip = load_clip(tmp_path / "clip")
    assert spread(load_vit(tmp_path / "dino").embed(images)) > 1e-3
    assert spread(clip.embed_images(images)) > 1e-3
    assert spread(clip.embed_texts(["a photo of sks robot", "a chair on grass"])) > 1e-3
