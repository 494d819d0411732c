"""What is taken of each published layout is all that is needed, and loads as the very numbers it was made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hypnos_pipeline.models.fetching.choice import needed_files
from hypnos_pipeline.models.fetching.conversion import keep, link
from hypnos_pipeline.models.integrity import files_of, folder_problems
from hypnos_pipeline.models.networks import load_clip, load_timm, load_vit
from hypnos_pipeline.models.text_to_image import load_text_to_image
from tests.hub.layouts import LAYOUTS, in_pieces
from tests.hub.networks import SMALL


def networks(key: str, folder: Path) -> list[Any]:
    """The networks that a loader makes of a folder."""
    if key == "text_to_image":
        model = load_text_to_image(folder)
        return [model.unet, model.text_encoder, model.vae]
    loaders: dict[str, Callable[[Path], Any]] = {
        "perceptual": load_timm,
        "dino": lambda place: load_vit(place).model,
        "clip": lambda place: load_clip(place).model,
    }
    return [loaders[key.removesuffix("_b32")](folder)]


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("key", ["text_to_image", "perceptual", "dino", "clip", "clip_b32"])
def test_what_is_taken_of_a_repository_loads_as_what_was_published(key: str, pieces: int, tmp_path) -> None:
    SMALL[key](tmp_path / "made", 1)
    expected = [network.state_dict() for network in networks(key, tmp_path / "made")]
    LAYOUTS[key].write(tmp_path / "made", tmp_path / "published")
    published, fetched = tmp_path / "published", tmp_path / "fetched"
    taken = needed_files(key, files_of(published))
    if pieces > 1:
        weights = [name for name in taken if name.endswith(".safetensors")]
        if not weights:
            pytest.skip("published as .bin alone, which is never in pieces here")
        for name in weights:
            in_pieces(published / name, pieces)
        taken = needed_files(key, files_of(published))
    for name in taken:
        keep(key, published / name, fetched / name, link)
    assert folder_problems(key, fetched) == []
    for found, wanted in zip(networks(key, fetched), expected, strict=True):
        assert found.state_dict().keys() == wanted.keys()
        assert all(torch.equal(tensor, wanted[name]) for name, tensor in found.state_dict().items())


def test_tokenizers_of_slow_files_read_the_same_ids(tmp_path) -> None:
    SMALL["text_to_image"](tmp_path / "made", 1)
    prompt = "a painting of sks lego robot in the snow, soft washes, 85mm lens"
    expected = load_text_to_image(tmp_path / "made").encode_prompts([prompt])
    LAYOUTS["text_to_image"].write(tmp_path / "made", tmp_path / "published")
    published = tmp_path / "published/tokenizer"
    assert not (published / "tokenizer.json").exists()
    for name in needed_files("text_to_image", files_of(tmp_path / "published")):
        keep("text_to_image", tmp_path / "published" / name, tmp_path / "fetched" / name, link)
    model = load_text_to_image(tmp_path / "fetched")
    assert torch.equal(model.encode_prompts([prompt]), expected)
    assert model.tokenizer.model_max_length == 77


@pytest.mark.parametrize("key", ["inception", "lpips"])
def test_release_files_become_what_the_loaders_read(key: str, tmp_path) -> None:
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.lpips import load_lpips_network

    SMALL[key](tmp_path / "made", 1)
    LAYOUTS[key].write(tmp_path / "made", tmp_path / "published")
    (file,) = (tmp_path / "published").iterdir()
    keep(key, file, tmp_path / "fetched" / file.name, link)
    assert folder_problems(key, tmp_path / "fetched") == []
    images = torch.rand(1, 3, 64, 64)
    folders = tmp_path / "made", tmp_path / "fetched"
    if key == "inception":
        made, fetched = (load_frechet_network(folder).embed(images).final for folder in folders)
    else:  # the published heads come from the package, so the maps alone are the same
        made, fetched = (load_lpips_network(folder).taps(images)[-1] for folder in folders)
    assert torch.equal(made, fetched)
