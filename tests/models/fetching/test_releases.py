"""Release files from their own address, or from the mirror or folder that ``HYPNOS_RELEASES`` names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hypnos_pipeline.models.fetching.fetch import fetch_all
from hypnos_pipeline.models.lock import read_lock
from hypnos_pipeline.models.settings import ModelReference
from tests.hub.server import Hub

URL = "https://github.com/owner/name/releases/download/v0/net.onnx"
BELOW = "github.com/owner/name/releases/download/v0/net.onnx"
CONTENT = b"weights"
REFERENCE = ModelReference(folder="models/matting", url=URL, sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fetch(reference: ModelReference = REFERENCE) -> str:
    return fetch_all({"matting": reference}, Path("models.lock"), lambda line: None).get("matting", "")


def test_a_release_file_is_fetched_through_its_redirect(server: Hub) -> None:
    url = server.release("/owner/name/releases/download/v0/net.onnx", CONTENT)
    assert fetch(REFERENCE.model_copy(update={"url": url})) == ""
    assert Path("models/matting/net.onnx").read_bytes() == CONTENT
    assert server.content_path(CONTENT) in [request.path for request in server.requests]


@pytest.mark.parametrize("place", [BELOW, "net.onnx"])
@pytest.mark.parametrize("kind", ["address", "folder"])
def test_a_mirror_or_folder_takes_the_hosts_place(
    server: Hub, monkeypatch: pytest.MonkeyPatch, kind: str, place: str
) -> None:
    if kind == "address":
        server.files[f"/mirror/{place}"] = CONTENT
        monkeypatch.setenv("HYPNOS_RELEASES", f"{server.address}/mirror/")
    else:
        file = Path("copies") / place
        file.parent.mkdir(parents=True)
        file.write_bytes(CONTENT)
        monkeypatch.setenv("HYPNOS_RELEASES", "copies")
    assert fetch() == ""
    assert Path("models/matting/net.onnx").read_bytes() == CONTENT
    # The record is of the publisher's file, wherever it came from.
    assert read_lock(Path("models.lock"))["matting"].source == URL


def test_the_pin_decides_wherever_a_file_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("copies").mkdir()
    Path("copies/net.onnx").write_bytes(b"weighty")
    monkeypatch.setenv("HYPNOS_RELEASES", "copies")
    assert "copies/net.onnx: net.onnx has sha256" in fetch()
    assert not list(Path().glob("models/**/net.onnx"))
    assert Path("copies/net.onnx").read_bytes() == b"weighty"


@pytest.mark.parametrize("kind", ["address", "folder"])
def test_a_file_that_is_not_there_is_named_with_both_places(
    server: Hub, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    base = server.address if kind == "address" else "copies"
    monkeypatch.setenv("HYPNOS_RELEASES", base)
    places = f"neither {base}/{BELOW} nor {base}/net.onnx is there"
    assert fetch() == f"{places}; put the file there, or unset the environment variable HYPNOS_RELEASES"
