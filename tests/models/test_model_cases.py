"""Folders of text-to-image models as people have them: each loads to the right weights or is refused."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hypnos_pipeline.checks.findings import Finding, errors
from hypnos_pipeline.checks.networks import network_findings
from hypnos_pipeline.errors import ModelError
from hypnos_pipeline.models.contents import model_tensors
from hypnos_pipeline.models.export.original import TEXT_PREFIX, UNET_PREFIX, original_weights
from hypnos_pipeline.models.integrity import folder_problems, unread_weights
from hypnos_pipeline.models.text_to_image import load_text_to_image
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts
from tests.model_cases import EVERY, HEADERS, TEXT, UNET, VAE, Change, as_variant, renamed


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


def in_one_file(folder: Path, lacking: str = "", value: float | None = None) -> None:
    """As checkpoints for other tools are published, with the configuration of the base model beside it."""
    tensors = original_weights(load_text_to_image(folder))
    for name in (UNET, VAE, TEXT):
        (folder / name).unlink()
    tensors = {name: each.clone() for name, each in tensors.items() if name != lacking}
    tensors["model_ema.decay"] = torch.ones(1)
    if value is not None:
        tensors["first_stage_model.decoder.conv_out.bias"].fill_(value)
    save_file(tensors, folder / "my_checkpoint.safetensors")


def test_all_weights_in_one_file_load(saved: Path, tmp_path: Path) -> None:
    folder = changed(saved, tmp_path / "model", in_one_file)
    assert errors(found_before_work(folder)) == []
    assert unread_weights("text_to_image", folder) == []
    ours, theirs = (model_tensors(load_text_to_image(each)) for each in (saved, folder))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lacking": f"{UNET_PREFIX}out.2.weight"}, "1 missing .conv_out.weight"),
        (
            {"lacking": f"{UNET_PREFIX}middle_block.1.norm.bias"},
            "1 missing .mid_block.attentions.0.norm.bias",
        ),
        ({"lacking": f"{TEXT_PREFIX}final_layer_norm.bias"}, ".text_encoder.: .*1 missing .final_layer_norm"),
        ({"value": float("nan")}, ".vae.: 1 of .* NaN or infinity .decoder.conv_out.bias"),
    ],
)
def test_what_one_file_lacks_is_named(saved: Path, tmp_path: Path, change: dict, message: str) -> None:
    folder = changed(saved, tmp_path / "model", partial(in_one_file, **change))
    with pytest.raises(ModelError, match=f"my_checkpoint.safetensors.*{message}"):
        load_text_to_image(folder)


def test_one_file_that_is_no_model_is_named_before_work(saved: Path, tmp_path: Path) -> None:
    folder = changed(saved, tmp_path / "model", in_one_file)
    save_file({"lora_unet_mid.alpha": torch.ones(1)}, folder / "my_checkpoint.safetensors")
    (problem,) = errors(found_before_work(folder))
    assert "no weight model.diffusion_model., which every single file has; its first is lora_" in str(problem)


def test_one_file_alone_says_what_belongs_beside_it(saved: Path, tmp_path: Path) -> None:
    whole = changed(saved, tmp_path / "model", in_one_file) / "my_checkpoint.safetensors"
    (alone := tmp_path / "alone").mkdir()
    file = whole.rename(alone / whole.name)
    (problem,) = folder_problems("text_to_image", alone)
    assert problem.startswith(f"{file}: the configuration of the model it derives from belongs beside it")
    file.rename(pickle := file.with_suffix(".ckpt"))
    (problem,) = folder_problems("text_to_image", alone)
    assert problem == f"{pickle} is a kind of file that no run reads, only .safetensors"
