"""What happens when a hub, a host or a disk does not do as it should: one message with the fix, no harm."""

from __future__ import annotations

import hashlib
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from hypnos_pipeline.errors import StorageFull
from hypnos_pipeline.models.fetching.fetch import fetch_all
from hypnos_pipeline.models.fetching.web import TRIES
from hypnos_pipeline.models.lock import read_lock
from hypnos_pipeline.models.settings import ModelReference
from tests.hub.server import COMMIT, Fault, Hub

NETWORK = bytes(range(256)) * 4_000
FILES = {"big.onnx": NETWORK, "other.onnx": b"another network", "README.md": b"a card"}
REFERENCE = ModelReference(folder="models/matting", hub="owner/name")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fetch(reference: ModelReference = REFERENCE) -> str:
    """Fetches one network; returns what was wrong."""
    return fetch_all({"matting": reference}, Path("models.lock"), lambda line: None).get("matting", "")


def nothing_was_kept() -> bool:
    return not Path("models.lock").exists() and not list(Path().rglob("*.onnx"))


def test_a_repository_that_is_gone_is_named_with_what_to_correct(hub: Hub) -> None:
    message = fetch()
    assert message.startswith(
        f"{hub.address}/owner/name: no such repository, or a private one; correct the key"
    )
    assert "HF_TOKEN" in message
    assert nothing_was_kept()


def test_a_commit_that_is_gone_is_named(hub: Hub) -> None:
    hub.publish("owner/name", FILES)
    message = fetch(REFERENCE.model_copy(update={"revision": "b" * 40}))
    assert message == f"owner/name has no commit {'b' * 40}; correct the key revision"


def test_a_gated_repository_needs_its_licence_accepted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("owner/name", FILES, gated=True)
    fix = f"accept its licence at {hub.address}/owner/name, then set HF_TOKEN to a token of that account"
    assert fetch() == f"owner/name is gated: {fix}, in the environment"
    monkeypatch.setenv("HF_TOKEN", "hf_somebody")
    assert fix in fetch()
    assert nothing_was_kept()
    assert not Path("models").exists() or not list(Path("models").iterdir())
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert fetch() == ""
    # The token is the hub's affair; the host that a file comes from never sees it.
    assert {each.authorization for each in hub.requests if each.path.startswith("/cdn/")} == {None}


def test_a_file_of_the_hub_that_is_cut_off_goes_on_in_the_next_command(hub: Hub) -> None:
    hub.publish("owner/name", FILES)
    place = hub.content_path(NETWORK)
    hub.fail(place, Fault(cut=600_000), *[Fault(cut=0)] * TRIES)
    assert "of 1024000 bytes" in fetch()
    assert not Path("models.lock").exists()
    assert not Path("models/matting").exists()
    come = Path("models/.matting.download/big.onnx.part").stat().st_size
    assert fetch() == ""
    assert hub.ranges(place)[-1] == f"bytes={come}-"
    assert Path("models/matting/big.onnx").read_bytes() == NETWORK
    assert [file.name for file in Path("models").iterdir()] == ["matting"]


def test_a_wrong_file_of_the_hub_is_not_kept_and_the_others_are(hub: Hub) -> None:
    hub.publish("owner/name", FILES)
    place, wrong = hub.content_path(FILES["other.onnx"]), b"another netwerk"
    hub.fail(place, Fault(content=wrong))
    expected = (
        f"other.onnx has sha256 {hashlib.sha256(wrong).hexdigest()}, expected {place[5:]}; it was not kept"
    )
    assert expected in fetch()
    assert not Path("models/matting").exists()
    hub.requests.clear()
    assert fetch() == ""
    assert hub.ranges(hub.content_path(NETWORK)) == []
    assert Path("models/matting/other.onnx").read_bytes() == FILES["other.onnx"]


def test_a_wrong_small_file_is_noticed_too(hub: Hub) -> None:
    dino = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": b"no matter"}
    hub.publish("owner/dino", dino)
    hub.fail(f"/api/resolve-cache/models/owner/dino/{COMMIT}/config.json", Fault(content=b"[]"))
    reference = ModelReference(folder="models/dino", hub="owner/dino")
    problem = fetch_all({"dino": reference}, Path("models.lock"), lambda line: None)["dino"]
    assert "config.json has git " in problem


def test_a_busy_hub_is_asked_again(hub: Hub, waits: list[float]) -> None:
    hub.publish("owner/name", FILES)
    hub.fail("/api/models/owner/name", Fault(429, {"Retry-After": "3"}))
    hub.fail(f"/owner/name/resolve/{COMMIT}/big.onnx", Fault(503), Fault(502))
    assert fetch() == ""
    assert waits == [3, 1, 2]


def test_an_address_that_is_no_hub_is_named(hub: Hub) -> None:
    hub.files["/api/models/owner/name"] = b"<html>"
    hub.fail("/api/models/owner/name", Fault(status=200))
    assert fetch() == f"owner/name: {hub.address} is no hub; correct HF_ENDPOINT"


def test_what_a_repository_lacks_is_named_before_anything_comes(hub: Hub) -> None:
    hub.publish("owner/name", {"README.md": b"a card"})
    assert fetch() == f"owner/name at {COMMIT} lacks a network as .onnx, .safetensors, .pth, .pt or .bin"


def test_what_does_not_fit_on_the_disk_is_refused_before_anything_comes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.publish("owner/name", FILES)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10, 10, 500_000))
    with pytest.raises(StorageFull, match=r"1\.0 MB are needed for it and 0\.5 MB are free .* make room"):
        fetch()
    assert nothing_was_kept()
    # Of what has come already, no more is needed.
    Path("models/.matting.download").mkdir(parents=True)
    Path("models/.matting.download/big.onnx").write_bytes(NETWORK)
    assert fetch() == ""


def test_how_much_is_to_come_is_reported_first(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish("owner/name", FILES)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10, 10, 5e9))
    reported: list[str] = []
    fetch_all({"matting": REFERENCE}, Path("models.lock"), reported.append)
    assert reported == [
        "1 network to download, 1.0 MB; 5,000.0 MB are free on the disk",
        f"matting: owner/name at {COMMIT}, 2 files, 1.0 MB",
    ]
    assert read_lock(Path("models.lock"))["matting"].revision == COMMIT
