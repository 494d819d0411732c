"""What is taken of a hub repository, and that it comes from there as the hub lists it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.choice import needed_files
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.lock import read_lock
from tests.hub.server import COMMIT, Hub
from tests.tiny_models import save_tiny_text_to_image, save_tiny_vit

STABLE_DIFFUSION = """
- .gitattributes - README.md + model_index.json - v1-5-pruned.ckpt - v1-5-pruned.safetensors
- feature_extractor/preprocessor_config.json - safety_checker/config.json - safety_checker/model.safetensors
+ scheduler/scheduler_config.json + text_encoder/config.json - text_encoder/model.fp16.safetensors
+ text_encoder/model.safetensors - text_encoder/pytorch_model.bin + tokenizer/merges.txt
+ tokenizer/special_tokens_map.json + tokenizer/tokenizer_config.json + tokenizer/vocab.json
+ unet/config.json - unet/diffusion_pytorch_model.bin - unet/diffusion_pytorch_model.fp16.safetensors
- unet/diffusion_pytorch_model.non_ema.safetensors + unet/diffusion_pytorch_model.safetensors
+ vae/config.json + vae/diffusion_pytorch_model.bin
"""
ONE_FILE = """
- README.md + model_index.json + dreamy.safetensors - dreamy.ckpt + scheduler/scheduler_config.json
+ text_encoder/config.json + unet/config.json + vae/config.json + tokenizer/vocab.json + tokenizer/merges.txt
"""
TIMM = "- README.md + config.json + model.safetensors - pytorch_model.bin"
DINO = "+ config.json + preprocessor_config.json + pytorch_model.bin - tf_model.h5"
CLIP = DINO + " + merges.txt + tokenizer.json + tokenizer_config.json + vocab.json"
PIECES = (
    "+ config.json + model-00001-of-00002.safetensors + model-00002-of-00002.safetensors "
    "+ model.safetensors.index.json - other-00001-of-00001.safetensors"
)


HALF = "+ config.json + model.fp16.safetensors - pytorch_model.fp16.bin - tf_model.h5"
HALF_PIECES = (
    "+ config.json + model.fp16-00001-of-00002.safetensors + model.fp16-00002-of-00002.safetensors "
    "+ model.safetensors.index.fp16.json - model.non_ema.safetensors"
)


@pytest.mark.parametrize(
    ("key", "repository"),
    [
        ("perceptual", HALF),
        ("perceptual", HALF_PIECES),
        ("text_to_image", STABLE_DIFFUSION),
        ("text_to_image", ONE_FILE),
        ("perceptual", TIMM),
        ("dino", DINO),
        ("clip", CLIP),
        ("clip_b32", CLIP),
        ("perceptual", PIECES),
        ("matting", "- config.json + u2net.onnx + isnet.onnx"),
        ("matting", "- README.md + tracer_b7.pth"),
        ("matting", "+ model.safetensors - pytorch_model.bin + other.bin"),
    ],
)
def test_only_what_the_pipelines_load_is_taken(key: str, repository: str) -> None:
    """Each file's name stands after a plus where it is taken, else after a minus."""
    words = repository.split()
    files = dict(zip(words[1::2], words[::2], strict=True))
    assert needed_files(key, list(files)) == sorted(name for name, sign in files.items() if sign == "+")


@pytest.mark.parametrize(
    ("key", "names", "message"),
    [
        ("text_to_image", "model_index.json", "lacks unet/config.json"),
        (
            "dino",
            "config.json flax_model.msgpack",
            "lacks weights model.safetensors or pytorch_model.bin; there are",
        ),
        ("dino", "config.json model.safetensors", "lacks preprocessor_config.json"),
        ("clip", "config.json model.safetensors preprocessor_config.json vocab.json", "lacks a tokenizer: "),
        ("matting", "config.json", "lacks a network as .onnx, .safetensors, .pth, .pt or .bin"),
    ],
)
def test_a_repository_that_cannot_do_is_refused_before_anything_comes(
    key: str, names: str, message: str
) -> None:
    with pytest.raises(FetchError, match=f"^{message}"):
        needed_files(key, names.split())


@pytest.fixture
def project(tmp_path: Path, project_root: Path, server: Hub) -> Path:
    """A project whose study names two networks of the hub, as far as the commands need one."""
    folder = tmp_path / "project"
    for name in ("conf/base", "conf/mini"):
        shutil.copytree(project_root / name, folder / name)
    for name in ("pyproject.toml", ".telemetry", "dvc.yaml"):
        shutil.copy(project_root / name, folder / name)
    (folder / "src").mkdir()
    (folder / "data/01_raw/models").mkdir(parents=True)
    (folder / "data/01_raw/models/mini").symlink_to(project_root / "data/01_raw/models/mini")
    study = yaml.safe_load((folder / "conf/mini/parameters_study.yml").read_text())
    for key, repository in (("text_to_image", "owner/diffusion"), ("dino", "owner/dino")):
        study["models"][key] = {"folder": f"data/01_raw/models/hub/{key}", "hub": repository}
    (folder / "conf/mini/parameters_study.yml").write_text(yaml.safe_dump(study))
    return folder


def published(folder: Path) -> dict[str, bytes]:
    """The files of a folder as a repository keeps them, one network's weights as .bin."""
    files = {name: file.read_bytes() for name, file in files_of(folder).items()}
    return files | {"README.md": b"a card", "model.ckpt": b"never requested"}


def as_bin(safetensors: bytes) -> bytes:
    from safetensors.torch import load

    stream = io.BytesIO()
    torch.save(load(safetensors), stream)
    return stream.getvalue()


def kedro(project: Path, server: Hub, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs `kedro models` as a user does, with the hub on this machine."""
    setting = {"HF_ENDPOINT": server.address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "kedro", "models", *words]
    environment = {**os.environ, **setting, "HF_HOME": str(project / "hub_home")}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_a_study_is_fetched_from_the_hub_listed_and_locked(
    project: Path, server: Hub, tmp_path: Path
) -> None:
    server.publish("owner/diffusion", published(save_tiny_text_to_image(tmp_path / "diffusion")))
    missing = kedro(project, server, "fetch")
    assert missing.returncode == 1
    assert "1 of " in missing.stderr
    assert f"models.dino: {server.address}/owner/dino: no such repository" in missing.stderr
    assert "`kedro models adopt KEY PATH --env mini`" in missing.stderr
    vit = published(save_tiny_vit(tmp_path / "dino"))
    vit["pytorch_model.bin"] = as_bin(vit.pop("model.safetensors"))
    server.publish("owner/dino", vit)
    done = kedro(project, server, "fetch")
    assert done.returncode == 0, done.stderr
    assert f"dino: owner/dino at {COMMIT}, 3 files" in done.stdout
    assert "text_to_image: owner/diffusion is here and verified" in done.stdout
    assert not any("model.ckpt" in request.path for request in server.requests)
    lock = read_lock(project / "conf/mini/models.lock")
    assert lock["text_to_image"].revision == COMMIT
    assert lock["dino"].downloaded.keys() == {"config.json", "preprocessor_config.json", "pytorch_model.bin"}
    assert lock["dino"].kept.keys() == {"config.json", "preprocessor_config.json", "model.safetensors"}
    server.requests.clear()
    listed = {line.split()[0]: line.split() for line in kedro(project, server, "list").stdout.splitlines()}
    assert server.requests == []
    assert listed["dino"][1:4] == ["owner/dino", COMMIT[:12], "verified"]
    assert listed["clip"][1:4] == ["local", "pinned", "verified"]
    assert listed["text_to_image"][-1] == "data/01_raw/models/hub/text_to_image"

    from hypnos_pipeline.models.networks import load_vit
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    load_text_to_image(project / "data/01_raw/models/hub/text_to_image")
    load_vit(project / "data/01_raw/models/hub/dino")


def test_a_copied_network_is_adopted_by_the_command(
    project: Path, server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from hypnos_pipeline.commands.models import models

    monkeypatch.chdir(project)
    copy = save_tiny_vit(tmp_path / "copy")
    unknown = CliRunner().invoke(models, ["adopt", "dio", str(copy), "--env", "mini"])
    assert unknown.exit_code == 1
    assert "no network 'dio' in this study; expected dino, or another one of" in unknown.output
    done = CliRunner().invoke(models, ["adopt", "dino", str(copy), "--env", "mini"])
    assert done.exit_code == 0, done.output
    assert "dino: data/01_raw/models/hub/dino was filled from" in done.output
    listed = CliRunner().invoke(models, ["list", "--env", "mini"]).output
    (line,) = [line.split() for line in listed.splitlines() if line.startswith("dino ")]
    assert line[3] == "verified"
    assert server.requests == []
