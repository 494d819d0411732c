"""The frozen networks: preprocessing as the libraries', batches that change nothing, loaded once."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hypnos_pipeline.errors import NotFinite, UnusableNetwork
from hypnos_pipeline.models.frechet import load_frechet_network
from hypnos_pipeline.models.inception import FidInceptionV3, save_fid_inception
from hypnos_pipeline.models.lpips import load_lpips_network, save_alexnet_lpips
from hypnos_pipeline.models.networks import load_clip, load_timm, load_vit
from hypnos_pipeline.models.preprocessing import read_preprocessing
from hypnos_pipeline.models.runtime import configure
from hypnos_pipeline.models.settings import RuntimeSettings
from tests.tiny_models import save_tiny_clip, save_tiny_timm, save_tiny_vit, tiny_clip, tiny_vit


def images(count: int = 3, height: int = 48, width: int = 48):
    pixels = torch.randint(0, 256, (count, 3, height, width), generator=torch.Generator().manual_seed(1))
    return pixels.float() / 255


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("networks")
    makers = {"vit": save_tiny_vit, "clip": save_tiny_clip, "timm": save_tiny_timm}
    return {name: make(root / name) for name, make in makers.items()}


def test_vit_gives_the_class_token(folders: dict[str, Path]) -> None:
    encoder = load_vit(folders["vit"])
    inputs = encoder.preprocessing(images())
    assert inputs.shape == (3, 3, 32, 32)
    with torch.no_grad():
        expected = tiny_vit()(pixel_values=inputs).last_hidden_state[:, 0]
    assert torch.equal(encoder.embed(images()), expected)


def test_batches_do_not_change_features(folders: dict[str, Path]) -> None:
    for embed in (load_vit(folders["vit"]).embed, load_clip(folders["clip"]).embed_images):
        torch.testing.assert_close(embed(images(5), batch=2), embed(images(5), batch=5), atol=1e-6, rtol=1e-5)


def test_clip_gives_projected_features(folders: dict[str, Path]) -> None:
    network = load_clip(folders["clip"])
    model, tokenizer = tiny_clip()
    texts = ["a photo of robot", "a painting of a red chair", "snow"]
    tokens = tokenizer(texts, padding="max_length", return_tensors="pt")
    with torch.no_grad():
        outputs = model(**tokens, pixel_values=network.images.preprocessing(images()))
    ours = torch.nn.functional.normalize(network.embed_texts(texts, batch=2), dim=-1)
    torch.testing.assert_close(ours, outputs.text_embeds, atol=1e-6, rtol=1e-5)
    ours = torch.nn.functional.normalize(network.embed_images(images()), dim=-1)
    torch.testing.assert_close(ours, outputs.image_embeds, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("content", "resize", "crop"),
    [
        ({"size": 224}, 256, 224),  # facebook/dino-vits16 as it stands on the hub
        ({"size": 224, "do_center_crop": True, "crop_size": 224}, 224, 224),
        ({"size": {"height": 64, "width": 64}}, 64, None),
        ({"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": 224}, 256, 224),
        ({"size": 64, "do_center_crop": False}, 64, None),
        ({"do_resize": False, "do_center_crop": False}, None, None),
    ],
)  # fmt: skip
def test_sizes_are_read(tmp_path: Path, content: dict, resize: int | None, crop: int | None) -> None:
    written = {**content, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(written))
    read = read_preprocessing(tmp_path)
    assert (read.resize, read.crop) == (resize, crop)
    assert (read.mean, read.std) == ((0.5,) * 3, (0.25,) * 3)


def test_missing_preprocessing_and_odd_sizes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableNetwork, match=r"no preprocessor_config\.json"):
        read_preprocessing(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"height": 32, "width": 64}}')
    with pytest.raises(UnusableNetwork, match="expected one edge or a square"):
        read_preprocessing(tmp_path)


@pytest.mark.parametrize("keep", [False, True])
def test_networks_that_evaluations_share_are_released_before_other_work(
    folders: dict[str, Path], keep: bool
) -> None:
    """In ``paper`` they are 2.5 GB, which a finetuning has no room for."""
    network = load_timm(folders["timm"])
    assert isinstance(network, torch.nn.Module)
    held = weakref.ref(network)
    del network
    configure(RuntimeSettings(device="cpu", threads=torch.get_num_threads()), keep_networks=keep)
    gc.collect()
    assert (held() is not None) == keep


def test_networks_are_frozen_and_loaded_once(folders: dict[str, Path]) -> None:
    network = load_timm(folders["timm"])
    assert load_timm(folders["timm"]) is network
    assert load_clip(folders["clip"]) is load_clip(folders["clip"])
    assert network.pretrained_cfg["mean"] == [0.485, 0.456, 0.406]
    for model in (network, load_clip(folders["clip"]).model, load_vit(folders["vit"]).model):
        assert not model.training
        assert not any(parameter.requires_grad for parameter in model.parameters())


def save_lpips(folder: Path) -> Path:
    from torchvision.models import alexnet

    heads = [torch.ones(count) for count in (64, 192, 384, 256, 256)]
    state = {name: value for name, value in alexnet(weights=None).state_dict().items() if "features" in name}
    save_alexnet_lpips(state, heads, folder)
    return folder


def save_inception(folder: Path) -> Path:
    save_fid_inception(FidInceptionV3().state_dict(), folder)
    return folder


LOADERS = {
    "vit": (save_tiny_vit, load_vit, "layernorm.weight"),
    "clip": (save_tiny_clip, load_clip, "visual_projection.weight"),
    "timm": (save_tiny_timm, load_timm, "conv_stem.weight"),
    "lpips": (save_lpips, load_lpips_network, "features.3.weight"),
    "lpips's heads": (save_lpips, load_lpips_network, "heads.2"),
    "inception": (save_inception, load_frechet_network, "Conv2d_1a_3x3.conv.weight"),
}


@pytest.mark.parametrize("case", LOADERS)
def test_every_loader_refuses_what_is_missing_left_over_or_no_number(tmp_path: Path, case: str) -> None:
    save, load, name = LOADERS[case]
    file = save(tmp_path / "model") / "model.safetensors"
    tensors, short = load_file(file), name.removeprefix("features.")
    changes = {
        f"missing .*{short}": (UnusableNetwork, {key: each for key, each in tensors.items() if key != name}),
        f"of another shape .*{short}": (UnusableNetwork, tensors | {name: tensors[name][:-1].clone()}),
        f"NaN or infinity .*{short}": (
            NotFinite,
            tensors | {name: torch.full_like(tensors[name], torch.inf)},
        ),
    }
    if name != "heads.2":
        changes["1 unknown .*extra"] = (UnusableNetwork, tensors | {"features.extra": torch.zeros(1)})
    for number, (message, (kind, changed)) in enumerate(changes.items()):
        folder = shutil.copytree(file.parent, tmp_path / str(number))  # the loaders keep what they loaded
        save_file(changed, folder / "model.safetensors", {"format": "pt"})
        with pytest.raises(kind, match=message) as refused:
            load(folder)
        assert str(folder / "model.safetensors") in str(refused.value)


def test_heads_that_are_not_used_are_no_problem(tmp_path: Path) -> None:
    file = save_tiny_vit(tmp_path / "model") / "model.safetensors"
    heads = {"pooler.dense.weight": torch.zeros(32, 32), "classifier.bias": torch.zeros(4)}
    save_file(load_file(file) | heads, file, {"format": "pt"})
    assert load_vit(file.parent).embed(images()).shape == (3, 32)
