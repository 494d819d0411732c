"""The trainers: a stop changes nothing, the folders load with the stock libraries."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypnos_pipeline.miniworld.config import (  # noqa: E402
    AutoencoderConfig,
    EncoderConfig,
    MiniworldConfig,
    TextToImageConfig,
)
from hypnos_pipeline.miniworld.render.dataset import render_set  # noqa: E402
from hypnos_pipeline.miniworld.train import autoencoder  # noqa: E402
from hypnos_pipeline.miniworld.train.descent import Ema, rate_at  # noqa: E402
from hypnos_pipeline.miniworld.train.latents import prepare  # noqa: E402
from hypnos_pipeline.miniworld.train.results import load_result  # noqa: E402
from hypnos_pipeline.miniworld.train.text_to_image import train  # noqa: E402
from hypnos_pipeline.miniworld.train.tokens import build_tokenizer  # noqa: E402
from hypnos_pipeline.storage.checkpoints import discard_finished  # noqa: E402
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings  # noqa: E402

TINY = MiniworldConfig(
    text_to_image=TextToImageConfig(
        channels=(16, 16),
        width=16,
        text_layers=1,
        heads=2,
        text_heads=2,
        steps=4,
        batch=2,
        warmup=1,
    ),
    autoencoder=AutoencoderConfig(channels=(8, 8, 8), batch=2, decoder_steps=3, encoder_steps=3),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("miniworld")
    tokenizer = build_tokenizer(folder / "tokenizer")
    for name in ("train", "heldout"):
        render_set(folder / "set" / name, 16, 3, f"test/{name}")
        prepare(folder / "set" / name, tokenizer, None if name == "train" else folder / "set/train")
    return folder


@pytest.fixture(scope="module")
def tokenizer(root):
    return build_tokenizer(root / "tokenizer")


def trained(kind, root, tokenizer, result, checkpoints=OFF, config=TINY):
    if kind == "text_to_image":
        return train(root / "set/train", result, tokenizer, config.text_to_image, 7, checkpoints)
    return autoencoder.train_part(kind, root / "set/train", result, config.autoencoder, 7, checkpoints)


@pytest.mark.parametrize("kind", ["text_to_image", "decoder"])
def test_stopped_training_resumes_to_the_same_bytes(root, tokenizer, tmp_path, monkeypatch, kind):
    curve = trained(kind, root, tokenizer, tmp_path / "whole.safetensors")
    assert len(curve) > 2
    settings = CheckpointSettings(folder=str(tmp_path / "states"), every_seconds=None, every_steps=2)
    ordinary = Ema.update

    def stop(ema, step):
        if step == 2:
            raise KeyboardInterrupt
        ordinary(ema, step)

    monkeypatch.setattr(Ema, "update", stop)
    with pytest.raises(KeyboardInterrupt):
        trained(kind, root, tokenizer, tmp_path / "parts.safetensors", settings)
    monkeypatch.undo()
    assert trained(kind, root, tokenizer, tmp_path / "parts.safetensors", settings) == curve
    assert (tmp_path / "parts.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    discard_finished()
    assert not any((tmp_path / "states").iterdir())


def test_a_finished_training_is_not_repeated_unless_its_settings_changed(root, tokenizer, tmp_path, caplog):
    result = tmp_path / "decoder.safetensors"
    assert trained("decoder", root, tokenizer, result)
    assert trained("decoder", root, tokenizer, result) == []
    slower = TINY.autoencoder.model_copy(update={"rate": 1e-4})
    changed = TINY.model_copy(update={"autoencoder": slower})
    assert len(trained("decoder", root, tokenizer, result, config=changed)) == 3
    assert f"{result} cannot be used: it was made" in caplog.text
    assert load_result(tmp_path / "set_aside_1")[1] == 3


def test_pipeline_folder_loads_and_samples(root, tokenizer, tmp_path):
    from diffusers import DDPMScheduler, StableDiffusionPipeline

    from hypnos_pipeline.miniworld.train.cards import write_cards
    from hypnos_pipeline.miniworld.train.export import export_pipeline
    from hypnos_pipeline.miniworld.train.promote import promote

    where = root / "checkpoints"
    train(root / "set/train", where / "text_to_image.safetensors", tokenizer, TINY.text_to_image, TINY.seed)
    for part in ("decoder", "encoder"):
        autoencoder.train_part(
            part, root / "set/train", where / f"{part}.safetensors", TINY.autoencoder, TINY.seed
        )
    export_pipeline(root, tmp_path / "models/text_to_image", TINY)
    assert write_cards(tmp_path / "models")
    assert promote(tmp_path / "models", tmp_path / "promoted") == ["text_to_image"]
    pipe = StableDiffusionPipeline.from_pretrained(
        tmp_path / "promoted/text_to_image", local_files_only=True, dtype=torch.float32
    )
    pipe.set_progress_bar_config(disable=True)
    out = pipe("a photo of sks robot", num_inference_steps=2, height=64, width=64, output_type="np").images
    assert out.shape == (1, 64, 64, 3)
    assert np.isfinite(out).all()
    assert pipe.safety_checker is None
    assert DDPMScheduler.from_config(pipe.scheduler.config).config.prediction_type == "epsilon"
    posterior = pipe.vae.encode(torch.zeros(1, 3, 64, 64)).latent_dist
    scaled = posterior.std * pipe.vae.config.scaling_factor
    torch.testing.assert_close(scaled, torch.full_like(scaled, TINY.autoencoder.noise), rtol=0.02, atol=0)
    assert "sha256" in (tmp_path / "promoted/text_to_image/README.md").read_text()


def test_latents_are_white(root):
    latents = np.load(root / "set/train/latents.npy").astype(np.float32).transpose(1, 0, 2, 3).reshape(4, -1)
    np.testing.assert_allclose(np.cov(latents), np.eye(4), atol=0.02)


def test_net_is_saved_as_timm_reads_it(root, tmp_path):
    timm = pytest.importorskip("timm")
    from hypnos_pipeline.miniworld.train.nets import HEADS, to_input, train_net

    made = train_net(
        root,
        tmp_path / "classifier",
        "test_resnet",
        {"channels": [8, 8, 8, 16]},
        EncoderConfig(steps=2, batch=4),
        7,
    )
    assert set(made["heldout_accuracy"]) <= set(HEADS)
    model = timm.create_model(f"local-dir:{tmp_path / 'classifier'}", pretrained=True).eval()
    images = np.load(root / "set/heldout/images.npy")[:2]
    assert model(to_input(images)).shape == (2, sum(HEADS.values()))


def test_clip_and_dino_folders_load(root, tokenizer, tmp_path):
    from transformers import CLIPImageProcessor, CLIPModel, ViTModel

    from hypnos_pipeline.miniworld.train import clip, dino

    clip.save_clip(clip.build_clip(tokenizer, 7), tokenizer, tmp_path / "clip", {})
    model = CLIPModel.from_pretrained(tmp_path / "clip", local_files_only=True, dtype=torch.float32)
    found = clip.zero_shot(model, root, tokenizer)
    assert 0 <= found["class"] <= 1
    assert CLIPImageProcessor.from_pretrained(tmp_path / "clip").size
    dino.save_vit(dino.build_vit(7), tmp_path / "dino", {})
    vit = ViTModel.from_pretrained(tmp_path / "dino", local_files_only=True, add_pooling_layer=False)
    views = np.stack([dino.draw_views(7, "test", k) for k in range(3)])
    assert 0 <= dino.instance_auc(vit.float(), views) <= 1


def test_rate_schedule():
    assert rate_at(0, 100, 10, 0.5) == pytest.approx(0.1)
    assert rate_at(30, 100, 10, 0.5) == 1
    assert rate_at(100, 100, 10, 0.5) == pytest.approx(0.02)


def test_configuration_refuses_unknown_keys():
    import yaml

    with pytest.raises(ValueError, match="extra"):
        MiniworldConfig(colour="red")
    values = yaml.safe_load(Path("conf/base/parameters_miniworld.yml").read_text())["miniworld"]
    assert MiniworldConfig.model_validate(values).text_to_image.prediction == "epsilon"


def test_the_matting_network_is_trained_measured_and_read_by_its_backend(tmp_path):
    from hypnos_pipeline.imaging.mattes.registry import find_backend
    from hypnos_pipeline.miniworld.config import MattingConfig
    from hypnos_pipeline.miniworld.train.matting import iou, train_matting

    config = MattingConfig(train=12, heldout=6, channels=(4, 6), steps=2, batch=4)
    vae = autoencoder.build(TINY.autoencoder, 7).eval()
    made = [train_matting(tmp_path / run, tmp_path / run / "matting", vae, config, 7) for run in ("a", "b")]
    assert made[0] == made[1]
    files = [tmp_path / run / "matting/network.safetensors" for run in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()
    true = np.load(tmp_path / "a/mattes/heldout/mattes.npy") / 255
    images = np.load(tmp_path / "a/mattes/heldout/images.npy")
    found = find_backend("network", {}, files[0].parent).remove_all(images)
    sharp = [k for k in range(3) if true[k].any()]
    assert iou(found, true)[sharp].mean() == pytest.approx(made[0]["heldout_iou"]["renders"], abs=1e-6)
