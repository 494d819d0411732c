"""References: found locally, missed all at once, described by content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from hypnos_pipeline.models.reference import MissingModels, describe, folder_sha256, locate, locate_all
from hypnos_pipeline.models.settings import ModelReference, ModelsSettings

NAMES = ("text_to_image", "perceptual", "dino", "clip", "clip_b32", "inception", "lpips")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    folder = tmp_path / "network"
    (folder / "unet").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "unet" / "model.safetensors").write_bytes(b"weights")
    (folder / "README.md").write_text("a card")
    return folder


def test_every_missing_model_is_named_at_once(network: Path) -> None:
    references = {name: ModelReference(folder=f"nowhere/{name}") for name in NAMES}
    references["dino"] = ModelReference(hub="nobody/no-such-model", revision="0" * 40)
    references["clip"] = ModelReference(folder=str(network))
    with pytest.raises(MissingModels) as error:
        locate_all(ModelsSettings(**references))
    message = str(error.value)
    for name in set(NAMES) - {"clip"}:
        assert f"models.{name}: " in message
    assert "models.clip:" not in message
    assert "nowhere/lpips" in message
    assert f"hf download nobody/no-such-model --revision {'0' * 40}" in message


def test_found_folders(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(network.parent)
    assert locate(ModelReference(folder="network")) == Path("network")
    assert locate_all({"one": ModelReference(folder="network")}) == {"one": Path("network")}
    (network.parent / "empty").mkdir()
    with pytest.raises(MissingModels):
        locate(ModelReference(folder="empty"))


def test_hub_snapshot_is_read_from_the_cache(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "a" * 40
    repository = tmp_path / "hub" / "models--owner--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots").mkdir()
    network.rename(repository / "snapshots" / commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for revision in (None, commit):
        reference = ModelReference(hub="owner/name", revision=revision)
        assert locate(reference) == repository / "snapshots" / commit
        assert describe(reference)["revision"] == commit
    with pytest.raises(MissingModels):
        locate(ModelReference(hub="owner/name", revision="b" * 40))


def test_digest_follows_weights_and_configuration_only(network: Path) -> None:
    first = describe(ModelReference(folder=str(network)))
    assert (first["id"], first["revision"]) == (str(network), None)
    (network / "README.md").write_text("another card")
    os.utime(network / "config.json", (1, 1))
    assert folder_sha256(network) == first["sha256"]
    elsewhere = network.rename(network.parent / "elsewhere")
    assert folder_sha256(elsewhere) == first["sha256"]
    weights = elsewhere / "unet" / "model.safetensors"
    weights.write_bytes(b"weighty")
    changed = folder_sha256(elsewhere)
    assert changed != first["sha256"]
    weights.rename(elsewhere / "model.safetensors")
    assert folder_sha256(elsewhere) not in (changed, first["sha256"])


@pytest.mark.parametrize("source", [{}, {"folder": "a", "hub": "b"}])
def test_a_reference_has_one_source(source: dict) -> None:
    with pytest.raises(ValidationError, match="exactly one of 'folder' and 'hub'"):
        ModelReference(**source)
