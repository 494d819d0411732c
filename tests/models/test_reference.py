"""References: found locally, missed all at once, described by content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from hypnos_pipeline.errors import MissingModels
from hypnos_pipeline.models.lock import ModelRecord, write_record
from hypnos_pipeline.models.reference import absence, describe, folder_sha256, locate, locate_all
from hypnos_pipeline.models.settings import ModelReference, RandomNetwork

RANDOM = RandomNetwork(architecture="dino_vits16", seed=3)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    folder = tmp_path / "network"
    (folder / "unet").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "unet" / "model.safetensors").write_bytes(b"weights")
    (folder / "README.md").write_text("a card")
    return folder


def test_every_missing_model_is_named_at_once(network: Path) -> None:
    references = {
        "lpips": ModelReference(folder="nowhere/lpips"),
        "dino": ModelReference(folder="nowhere/dino", hub="nobody/no-such-model", revision="0" * 40),
        "inception": ModelReference(folder="nowhere/inception", random=RANDOM),
        "clip": ModelReference(folder=str(network)),
    }
    with pytest.raises(MissingModels) as error:
        locate_all(references)
    lpips, dino, inception = map(str, error.value.problems)
    assert lpips.startswith("no folder 'nowhere/lpips'; it belongs to the project")
    fetch = "`kedro models fetch --env <env>`"
    assert dino.startswith(f"nobody/no-such-model is not in nowhere/dino; {fetch} gets it")
    assert inception.endswith(f"{fetch} makes it here")
    named = absence("models.dino", references["dino"], "paper")
    assert named.fix.startswith("`kedro models fetch --env paper` gets it")


def test_found_folders(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(network.parent)
    assert locate(ModelReference(folder="network")) == Path("network")
    assert locate_all({"one": ModelReference(folder="network")}) == {"one": Path("network")}
    (network.parent / "empty").mkdir()
    with pytest.raises(MissingModels):
        locate(ModelReference(folder="empty"))


def test_an_unpinned_network_is_described_as_it_was_fetched(network: Path) -> None:
    record = ModelRecord(source="owner/name", revision="a" * 40, kept={})
    before = describe(ModelReference(folder=str(network)))
    write_record(network, record)
    found = describe(ModelReference(folder=str(network), hub="owner/name"))
    assert found == {"id": "owner/name", "revision": "a" * 40, "sha256": before["sha256"]}
    made = describe(ModelReference(folder=str(network), random=RANDOM))
    assert (made["id"], made["revision"]) == ("random:dino_vits16/3", None)


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


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"hub": "a/b", "url": "https://example.org/a.pth"}, "both hub and url; expected at most one source"),
        ({"hub": "a/b", "random": RANDOM}, "both hub and random; expected at most one source"),
        ({"revision": "0" * 40}, "revision belongs to hub, which is not given"),
        ({"sha256": "0" * 64}, "sha256 belongs to hub or url, and neither is given"),
    ],
)
def test_a_reference_has_at_most_one_source(source: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelReference(folder="a", **source)
