"""Networks' folders: complete, readable, and the files that are listed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hypnos_pipeline.miniworld.train.promote import promote
from hypnos_pipeline.models.integrity import DIGESTS, folder_problems, write_digests


@pytest.fixture
def models(tmp_path: Path, project_root: Path) -> Path:
    """Copies of two tracked networks, not listed."""
    for name in ("text_to_image", "lpips"):
        shutil.copytree(project_root / "data/01_raw/models/mini" / name, tmp_path / name)
    return tmp_path


def test_the_list_is_sha256sum_s_own_format(models: Path) -> None:
    assert write_digests(models) == models / DIGESTS
    command = ["sha256sum", "--check", DIGESTS]
    output = subprocess.run(command, cwd=models, capture_output=True, text=True, check=True).stdout
    assert "lpips/model.safetensors: OK" in output
    assert "text_to_image/unet/diffusion_pytorch_model.safetensors: OK" in output
    assert "README" not in output
    assert "training.json" not in output


def test_what_only_describes_a_network_may_change(models: Path) -> None:
    write_digests(models)
    (models / "lpips/README.md").write_text("another card")
    (models / "lpips/training.json").write_text("{}")
    (models / "lpips/samples.png").write_bytes(b"a figure")
    assert folder_problems("lpips", models / "lpips") == []


@pytest.mark.parametrize(
    "name",
    [
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json",
    ],
)
def test_every_part_of_a_text_to_image_model_is_missed(models: Path, name: str) -> None:
    folder = models / "text_to_image"
    assert folder_problems("text_to_image", folder) == []
    (folder / name).unlink()
    assert folder_problems("text_to_image", folder) == [f"{folder / name} is missing"]


def test_weights_in_several_pieces_are_missed_one_by_one(models: Path) -> None:
    unet = models / "text_to_image/unet"
    pieces = [f"diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = unet / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(f'{{"weight_map": {{"a": "{pieces[0]}", "b": "{pieces[1]}"}}}}')
    (unet / "diffusion_pytorch_model.safetensors").rename(unet / pieces[0])
    assert folder_problems("text_to_image", unet.parent) == [f"{unet / pieces[1]} is missing"]


def test_promotion_lists_what_it_puts_in_place(models: Path, tmp_path: Path) -> None:
    promoted = tmp_path / "promoted"
    assert promote(models, promoted) == ["text_to_image", "lpips"]
    assert folder_problems("lpips", promoted / "lpips") == []
    weights = promoted / "lpips/model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (problem,) = folder_problems("lpips", promoted / "lpips")
    assert problem.endswith(f"is not the file that {promoted / DIGESTS} lists")
    promote(models, promoted)
    assert folder_problems("lpips", promoted / "lpips") == []
