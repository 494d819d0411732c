"""Folders of text-to-image models as people have them: each loads to the right weights or is refused."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from hypnos_pipeline.checks.findings import Finding, errors
from hypnos_pipeline.checks.networks import network_findings
from hypnos_pipeline.errors import ModelError, NotFinite, UnsupportedModel, UnusableNetwork
from hypnos_pipeline.models.contents import model_tensors
from hypnos_pipeline.models.integrity import folder_problems, unread_weights
from hypnos_pipeline.models.text_to_image import load_text_to_image
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts

UNET, VAE = (f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
TEXT = "text_encoder/model.safetensors"

Change = Callable[[Path], object]


def edit(name: str, **changes: Any) -> Change:
    """Changes keys of a JSON file."""

    def change(folder: Path) -> None:
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def weights(name: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    """Replaces the tensors of a file."""
    return lambda folder: save_file(change(load_file(folder / name)), folder / name, {"format": "pt"})


def with_nan(tensors: dict[str, torch.Tensor], name: str, value: float = float("nan")):
    tensors[name].view(-1)[0] = value
    return tensors


def without(tensors: dict[str, torch.Tensor], name: str):
    return {key: value for key, value in tensors.items() if key != name}


def renamed(tensors: dict[str, torch.Tensor], add: str = "", remove: str = ""):
    return {add + key.removeprefix(remove): value for key, value in tensors.items()}


INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
HEADERS: dict[str, tuple[Change, type[ModelError], str]] = {
    "SDXL": (
        edit(INDEX, _class_name="StableDiffusionXLPipeline"),
        UnsupportedModel,
        "a StableDiffusionXLPipeline, expected StableDiffusionPipeline; choose a model of Stable Diffusion",
    ),
    "SDXL's UNet": (
        edit("unet/config.json", addition_embed_type="text_time"),
        UnsupportedModel,
        "unet/config.json: addition_embed_type is 'text_time': it reads more than a prompt",
    ),
    "an upscaler": (
        edit("unet/config.json", num_class_embeds=1000),
        UnsupportedModel,
        "num_class_embeds is 1000: it reads a noise level",
    ),
    "inpainting": (
        edit("unet/config.json", in_channels=9),
        UnsupportedModel,
        r"reads 9 channels \(one for inpainting\), but the latents have 4",
    ),
    "several text encoders": (
        edit("unet/config.json", cross_attention_dim=[32, 64]),
        UnsupportedModel,
        r"cross_attention_dim is \[32, 64\], but the text encoder's states have 32 numbers",
    ),
    "another text encoder": (
        edit(INDEX, text_encoder=["transformers", "T5EncoderModel"]),
        UnsupportedModel,
        "text_encoder is a T5EncoderModel, expected CLIPTextModel",
    ),
    "shifted latents": (
        edit("vae/config.json", shift_factor=0.1159),
        UnsupportedModel,
        r"vae/config.json: shift_factor is 0.1159: its latents are shifted",
    ),
    "zero terminal SNR": (
        edit(SCHEDULER, rescale_betas_zero_snr=True),
        UnsupportedModel,
        "zero terminal SNR .rescale_betas_zero_snr is true.",
    ),
    "a last beta of 1": (
        edit(SCHEDULER, trained_betas=[0.1, 1.0]),
        UnsupportedModel,
        "zero terminal SNR .a beta of 1.",
    ),
    "predicted samples": (
        edit(SCHEDULER, prediction_type="sample"),
        UnsupportedModel,
        "prediction_type is 'sample', expected epsilon or v_prediction",
    ),
    "flow matching": (
        edit(INDEX, scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"]),
        UnsupportedModel,
        "FlowMatchEulerDiscreteScheduler: of another process",
    ),
    "renamed weights": (
        weights(TEXT, partial(renamed, add="someone.elses.")),
        UnusableNetwork,
        f"{TEXT}: (no weight embeddings.token|weights are not those .*: 36 missing .embeddings.pos)",
    ),
}  # fmt: skip
"""What is wrong already shows in configurations and headers: before any work, without loading."""

LOADED: dict[str, tuple[Change, type[ModelError], str]] = {
    "NaN in the decoder": (
        weights(VAE, partial(with_nan, name="decoder.conv_out.bias")),
        NotFinite,
        rf"{VAE}: 1 of \d+ weights hold NaN or infinity .decoder.conv_out.bias, stored as float32.",
    ),
    "infinity in the UNet": (
        weights(UNET, partial(with_nan, name="conv_out.weight", value=float("inf"))),
        NotFinite,
        rf"{UNET}: 1 of \d+ weights hold NaN or infinity .conv_out.weight",
    ),
    "a weight is missing": (
        weights(UNET, partial(without, name="mid_block.resnets.0.conv1.weight")),
        UnusableNetwork,
        rf"{UNET}: weights are not those of the network: 1 missing .mid_block.resnets.0.conv1.weight\)",
    ),
    "a weight too many": (
        weights(VAE, lambda tensors: tensors | {"decoder.extra": torch.zeros(2)}),
        UnusableNetwork,
        rf"{VAE}: weights are not those of the network: 1 unknown .decoder.extra\)",
    ),
    "a weight of another shape": (
        weights(UNET, lambda tensors: tensors | {"conv_out.bias": torch.zeros(5)}),
        UnusableNetwork,
        rf"{UNET}: weights are not those of the network: 1 of another shape .conv_out.bias\)",
    ),
}
"""What is wrong shows when the network is loaded."""


EVERY = HEADERS | LOADED


def changed(saved: Path, folder: Path, change: Change) -> Path:
    shutil.copytree(saved, folder)
    change(folder)
    return folder


def found_before_work(folder: Path) -> list[Finding]:
    parts = ValidParts.of(Study, {"models": {"text_to_image": {"folder": str(folder)}}})
    return network_findings(parts, ["text_to_image"])


@pytest.mark.parametrize("case", EVERY)
def test_what_cannot_be_right_is_refused(saved: Path, tmp_path: Path, case: str) -> None:
    change, kind, message = EVERY[case]
    with pytest.raises(kind, match=message):
        load_text_to_image(changed(saved, tmp_path / "model", change))


@pytest.mark.parametrize("case", HEADERS)
def test_headers_alone_show_it_before_work(saved: Path, tmp_path: Path, case: str) -> None:
    change, _, message = HEADERS[case]
    (problem,) = errors(found_before_work(changed(saved, tmp_path / "model", change)))
    assert problem.where == "models.text_to_image"
    assert re.search(message, str(problem))


def as_variant(folder: Path, word: str = "fp16") -> None:
    for name in (UNET, VAE, TEXT):
        file = folder / name
        halves = {key: value.half() for key, value in load_file(file).items()}
        save_file(halves, file.with_name(file.name.replace(".", f".{word}.", 1)), {"format": "pt"})
        file.unlink()


def in_pieces(folder: Path, word: str = "") -> None:
    """Splits the UNet's weights into two files with an index, as ``max_shard_size`` does."""
    tensors, stem = load_file(folder / UNET), "diffusion_pytorch_model"
    names = sorted(tensors)
    pieces = [f"{stem}{word}-0000{number}-of-00002.safetensors" for number in (1, 2)]
    where = {name: pieces[position % 2] for position, name in enumerate(names)}
    for piece in pieces:
        inside = {name: tensors[name] for name in names if where[name] == piece}
        save_file(inside, folder / "unet" / piece, {"format": "pt"})
    index = {"metadata": {}, "weight_map": where}
    (folder / f"unet/{stem}.safetensors.index{word}.json").write_text(json.dumps(index))
    (folder / UNET).unlink()


@pytest.mark.parametrize("word", ["fp16", "non_ema"])
def test_a_variant_alone_is_read_and_made_float32(saved: Path, tmp_path: Path, word: str) -> None:
    folder = changed(saved, tmp_path / "model", partial(as_variant, word=word))
    assert folder_problems("text_to_image", folder) == []
    assert unread_weights("text_to_image", folder) == []
    ours, halves = (model_tensors(load_text_to_image(each)) for each in (saved, folder))
    assert ours.keys() == halves.keys()
    for name, tensor in ours.items():
        assert halves[name].dtype == tensor.dtype
        assert not tensor.is_floating_point() or torch.equal(halves[name], tensor.half().float())


def test_a_variant_beside_plain_weights_is_reported_as_unread(saved: Path, tmp_path: Path) -> None:
    folder = changed(saved, tmp_path / "model", as_variant)
    shutil.copytree(saved, folder, dirs_exist_ok=True)
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(b"")
    assert len(unread_weights("text_to_image", folder)) == 4
    *_, line = found_before_work(folder)
    assert "model.fp16.safetensors and 3 more: weights that no run reads" in str(line)
    ours, beside = (model_tensors(load_text_to_image(each)) for each in (saved, folder))
    assert all(torch.equal(tensor, beside[name]) for name, tensor in ours.items())


@pytest.mark.parametrize("word", ["", ".fp16"])
def test_weights_in_several_pieces_load(saved: Path, tmp_path: Path, word: str) -> None:
    folder = changed(saved, tmp_path / "model", partial(in_pieces, word=word))
    assert errors(found_before_work(folder)) == []
    ours, theirs = (model_tensors(load_text_to_image(each)) for each in (saved, folder))
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
    piece = folder / f"unet/diffusion_pytorch_model{word}-00002-of-00002.safetensors"
    piece.unlink()
    assert folder_problems("text_to_image", folder) == [f"{piece} is missing"]


def legacy_text_encoder(folder: Path) -> None:
    """As Stable Diffusion 1.5's lies on the hub: saved by transformers 4.x."""
    tensors = renamed(load_file(folder / TEXT), add="text_model.")
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(tensors, folder / TEXT, {"format": "pt"})


def test_names_of_older_libraries_are_known(saved: Path, tmp_path: Path) -> None:
    folder = changed(saved, tmp_path / "model", legacy_text_encoder)
    assert errors(found_before_work(folder)) == []
    ours, theirs = (model_tensors(load_text_to_image(each)) for each in (saved, folder))
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_a_pickle_in_place_of_weights_is_named(saved: Path, tmp_path: Path) -> None:
    def pickled(folder: Path) -> None:
        (folder / UNET).rename((folder / UNET).with_suffix(".bin"))

    folder = changed(saved, tmp_path / "model", pickled)
    (problem,) = folder_problems("text_to_image", folder)
    assert problem.startswith(f"{folder / UNET} is missing; diffusion_pytorch_model.bin is there, but ")
