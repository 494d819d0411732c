"""What is taken of each published layout is all that is needed, and loads as the numbers it was made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from hypnos_pipeline.models.fetching.choice import needed_files
from hypnos_pipeline.models.fetching.conversion import link
from hypnos_pipeline.models.fetching.placing import place_published
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.lock import ModelRecord
from hypnos_pipeline.models.networks import load_clip, load_timm, load_vit
from hypnos_pipeline.models.text_to_image import load_text_to_image
from tests.end_to_end.paper_path import STUDY
from tests.hub.layouts import LAYOUTS, in_pieces
from tests.hub.networks import SMALL


def networks(key: str, folder: Path) -> list[Any]:
    """The networks that a loader returns for a folder."""
    if key == "text_to_image":
        model = load_text_to_image(folder)
        return [model.unet, model.text_encoder, model.vae]
    loaders: dict[str, Callable[[Path], Any]] = {
        "perceptual": load_timm,
        "dino": lambda place: load_vit(place).model,
        "clip": lambda place: load_clip(place).model,
    }
    return [loaders[key.removesuffix("_b32")](folder)]


def take(key: str, published: Path, folder: Path) -> Path:
    """Fills a network's folder as fetching does: with what is needed of the published files, converted."""
    names = needed_files(key, files_of(published))
    files = {name: published / name for name in names}
    place_published(key, ModelRecord(source="here", kept={}), files, folder, None, link)
    return folder


@pytest.mark.parametrize(
    ("key", "divided"),
    [
        ("text_to_image", ""),
        ("text_to_image", "unet/diffusion_pytorch_model.safetensors"),
        ("text_to_image", "text_encoder/model.safetensors"),
        ("perceptual", ""),
        ("dino", ""),
        ("clip", ""),
        ("clip", "model.safetensors"),
        ("clip_b32", ""),
    ],
)
def test_what_is_taken_of_a_repository_loads_as_what_was_published(
    key: str, divided: str, tmp_path: Path
) -> None:
    SMALL[key](tmp_path / "made", 1)
    expected = [network.state_dict() for network in networks(key, tmp_path / "made")]
    LAYOUTS[key].write(tmp_path / "made", tmp_path / "published")
    if divided:
        in_pieces(tmp_path / "published" / divided)
    fetched = networks(key, take(key, tmp_path / "published", tmp_path / "fetched"))
    for network, wanted in zip(fetched, expected, strict=True):
        found = network.state_dict()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


def test_tokenizers_of_slow_files_read_the_same_ids(tmp_path) -> None:
    SMALL["text_to_image"](tmp_path / "made", 1)
    prompt = "a painting of sks lego robot in the snow, soft washes, 85mm lens"
    expected = load_text_to_image(tmp_path / "made").encode_prompts([prompt])
    LAYOUTS["text_to_image"].write(tmp_path / "made", tmp_path / "published")
    published = tmp_path / "published/tokenizer"
    assert not (published / "tokenizer.json").exists()
    model = load_text_to_image(take("text_to_image", tmp_path / "published", tmp_path / "fetched"))
    assert torch.equal(model.encode_prompts([prompt]), expected)
    assert model.tokenizer.model_max_length == 77


@pytest.mark.parametrize("key", ["inception", "lpips"])
def test_release_files_become_what_the_loaders_read(key: str, tmp_path) -> None:
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.lpips import load_lpips_network

    SMALL[key](tmp_path / "made", 1)
    LAYOUTS[key].write(tmp_path / "made", tmp_path / "published")
    (file,) = (tmp_path / "published").iterdir()
    folders = tmp_path / "made", tmp_path / "fetched"
    source = ModelRecord(source="here", kept={})
    place_published(key, source, {file.name: file}, folders[1], None, link)
    images = torch.rand(1, 3, 64, 64)
    if key == "inception":
        made, fetched = (load_frechet_network(folder).embed(images).final for folder in folders)
    else:  # the published heads come from the package, so the maps alone are the same
        made, fetched = (load_lpips_network(folder).taps(images)[-1] for folder in folders)
    assert torch.equal(made, fetched)


def test_the_book_says_where_each_layout_was_read_and_what_was_not(project_root: Path) -> None:
    page = (project_root / "docs/paper.md").read_text(encoding="utf-8")
    assert LAYOUTS.keys() == yaml.safe_load((project_root / STUDY).read_text())["models"].keys()
    for key, layout in LAYOUTS.items():
        assert f"| `{key}` | {layout.read_in} | {layout.unverified or 'nothing'} |" in page
