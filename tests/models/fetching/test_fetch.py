"""Fetching all networks of a study: once, locked, verified, every fault told at once."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest

from hypnos_pipeline.models.fetching.fetch import fetch_all
from hypnos_pipeline.models.lock import read_lock, write_lock
from hypnos_pipeline.models.settings import ModelReference, RandomNetwork
from hypnos_pipeline.models.status import model_status
from tests.models.fetching.server import FileServer


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def foreign(**tensors) -> bytes:
    """The content of a .pth file."""
    import torch

    stream = io.BytesIO()
    torch.save(tensors, stream)
    return stream.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(**references: ModelReference) -> tuple[dict[str, str], list[str]]:
    """Fetches with ``models.lock`` in the working directory; returns the faults and what was told."""
    told: list[str] = []
    return fetch_all(references, Path("models.lock"), told.append), told


def test_what_was_fetched_is_locked_and_never_fetched_again(place: Path, server: FileServer) -> None:
    import torch
    from safetensors.torch import load_file

    weights = torch.arange(6.0).reshape(2, 3)
    server.files["/tracer_b7.pth"] = foreign(state_dict={"a": weights, "b": weights.t()})
    reference = ModelReference(folder="models/matting", url=f"{server.address}/tracer_b7.pth")
    assert fetch(matting=reference)[0] == {}
    kept = load_file("models/matting/tracer_b7.safetensors")
    assert torch.equal(kept["b"], weights.t())
    assert sorted(file.name for file in Path("models").rglob("*")) == [
        "matting", "source.json", "tracer_b7.safetensors",
    ]  # fmt: skip
    record = read_lock(Path("models.lock"))["matting"]
    content = server.files["/tracer_b7.pth"]
    assert record.downloaded["tracer_b7.pth"].model_dump() == {
        "sha256": sha256(content), "bytes": len(content),
    }  # fmt: skip
    status = model_status("matting", reference, read_lock(Path("models.lock")))
    assert (status.pinned, status.verified, status.faults) == (True, True, [])
    server.asked.clear()
    faults, told = fetch(matting=reference)
    assert (faults, server.asked) == ({}, [])
    assert told == [f"matting: {reference.url} is here and verified"]


def test_another_environment_takes_over_what_is_here(place: Path, server: FileServer) -> None:
    server.files["/u2net.onnx"] = b"a graph"
    reference = ModelReference(folder="models/matting", url=f"{server.address}/u2net.onnx")
    fetch(matting=reference)
    first = Path("models.lock").rename("first.lock").read_bytes()
    server.asked.clear()
    assert fetch(matting=reference)[0] == {}
    assert server.asked == []
    assert Path("models.lock").read_bytes() == first
    assert Path("models/matting/u2net.onnx").read_bytes() == b"a graph"


def test_a_wrong_sha256_is_refused_and_nothing_kept(place: Path, server: FileServer) -> None:
    server.files["/net.onnx"] = b"weights"
    reference = ModelReference(folder="models/matting", url=f"{server.address}/net.onnx", sha256="0" * 64)
    faults, _ = fetch(matting=reference)
    assert faults["matting"] == (
        f"{reference.url}: net.onnx has sha256 {sha256(b'weights')}, expected {'0' * 64}; nothing was kept"
    )
    assert list(Path("models").iterdir()) == []
    assert not Path("models.lock").exists()


def test_a_source_that_changed_since_the_lock_is_refused(place: Path, server: FileServer) -> None:
    server.files["/net.onnx"] = b"weights"
    reference = ModelReference(folder="models/matting", url=f"{server.address}/net.onnx")
    fetch(matting=reference)
    for file in Path("models/matting").iterdir():
        file.unlink()
    Path("models/matting").rmdir()
    server.files["/net.onnx"] = b"weighty"
    before = Path("models.lock").read_bytes()
    faults, _ = fetch(matting=reference)
    assert f"net.onnx has sha256 {sha256(b'weighty')}, expected {sha256(b'weights')}" in faults["matting"]
    assert not Path("models/matting").exists()
    assert Path("models.lock").read_bytes() == before


def test_an_altered_folder_and_another_reference_are_refused(place: Path, server: FileServer) -> None:
    server.files["/net.onnx"] = b"weights"
    reference = ModelReference(folder="models/matting", url=f"{server.address}/net.onnx")
    fetch(matting=reference)
    other = reference.model_copy(update={"url": f"{server.address}/other.onnx"})
    faults, _ = fetch(matting=other)
    assert faults["matting"] == (
        f"models.lock records {reference.url}, but the study names {other.url}; "
        "remove its entry 'matting' and the folder to fetch anew"
    )
    Path("models/matting/net.onnx").write_bytes(b"weighty")
    faults, _ = fetch(matting=reference)
    assert "net.onnx has sha256" in faults["matting"]
    assert faults["matting"].endswith("remove models/matting to fetch it anew")


def test_every_fault_is_told_at_once_and_the_others_are_fetched(place: Path, server: FileServer) -> None:
    server.files |= {"/net.onnx": b"weights", "/text.pth": b"no weights", "/net.zip": b"PK"}
    dead = "http://127.0.0.1:9"
    references = {
        "text_to_image": ModelReference(folder="models/a", url=f"{dead}/a.pth"),
        "perceptual": ModelReference(folder="models/b", url=f"{dead}/b.pth"),
        "dino": ModelReference(folder="models/c", url=f"{server.address}/text.pth"),
        "clip": ModelReference(folder="models/d", url=f"{server.address}/net.zip"),
        "inception": ModelReference(folder="models/e", hub="owner/name"),
        "lpips": ModelReference(folder="models/f"),
        "matting": ModelReference(folder="models/g", url=f"{server.address}/net.onnx"),
    }
    faults, _ = fetch(**references)
    assert list(faults) == ["text_to_image", "perceptual", "dino", "clip", "inception", "lpips"]
    for key in ("text_to_image", "perceptual"):
        assert "127.0.0.1:9 cannot be reached" in faults[key]
    assert "text.pth: not a file of weights alone" in faults["dino"]
    assert "net.zip: expected one of .pth, .pt, .bin, .safetensors, .onnx" in faults["clip"]
    assert "the environment variable HF_HUB_OFFLINE is set" in faults["inception"]
    assert faults["lpips"] == "models/f: no such folder; it belongs to the project: restore it"
    assert list(read_lock(Path("models.lock"))) == ["matting"]
    assert sorted(file.name for file in Path("models").iterdir()) == ["g"]


def test_a_pickle_that_would_run_something_is_not_run(place: Path, server: FileServer) -> None:
    import pickle

    class Malicious:
        def __reduce__(self):
            return (Path.touch, (Path("was_run"),))

    server.files["/net.pth"] = pickle.dumps({"a": Malicious()})
    faults, _ = fetch(dino=ModelReference(folder="models/dino", url=f"{server.address}/net.pth"))
    assert "net.pth: not a file of weights alone" in faults["dino"]
    assert not Path("was_run").exists()


def test_random_networks_are_made_and_not_locked(place: Path) -> None:
    reference = ModelReference(
        folder="models/lpips", random=RandomNetwork(architecture="alexnet_lpips", seed=1)
    )
    faults, told = fetch(lpips=reference)
    assert (faults, told) == ({}, ["lpips: making random:alexnet_lpips/1"])
    assert not Path("models.lock").exists()
    assert model_status("lpips", reference, {}).verified
    assert fetch(lpips=reference)[1] == ["lpips: random:alexnet_lpips/1 is here and verified"]


def test_alexnet_becomes_lpips_with_the_published_heads(place: Path, server: FileServer) -> None:
    from torchvision.models import alexnet

    from hypnos_pipeline.models.lpips import load_lpips_network

    backbone = {key: value for key, value in alexnet(weights=None).state_dict().items() if "features" in key}
    server.files["/alexnet.pth"] = foreign(**backbone)
    reference = ModelReference(folder="models/lpips", url=f"{server.address}/alexnet.pth")
    assert fetch(lpips=reference)[0] == {}
    heads = load_lpips_network(Path("models/lpips")).heads
    assert [head.numel() for head in heads] == [64, 192, 384, 256, 256]
    assert json.loads(Path("models/lpips/config.json").read_text()) == {"architecture": "alexnet_lpips"}


def test_inception_is_kept_without_its_classifier(place: Path, server: FileServer) -> None:
    import torch

    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.inception import FidInceptionV3

    network = FidInceptionV3().eval()
    classifier = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    server.files["/pt_inception-2015-12-05.pth"] = foreign(**network.state_dict(), **classifier)
    reference = ModelReference(folder="models/inception", url=f"{server.address}/pt_inception-2015-12-05.pth")
    assert fetch(inception=reference)[0] == {}
    assert model_status("inception", reference, read_lock(Path("models.lock"))).verified
    embedded = load_frechet_network(Path("models/inception")).embed(torch.rand(1, 3, 64, 64))
    assert (embedded.final.shape, embedded.early.shape) == ((1, 2048), (1, 64))


def test_a_lock_of_another_revision_is_refused(place: Path, server: FileServer) -> None:
    server.files["/net.onnx"] = b"weights"
    reference = ModelReference(folder="models/matting", url=f"{server.address}/net.onnx")
    fetch(matting=reference)
    lock = read_lock(Path("models.lock"))
    write_lock(Path("models.lock"), {"dino": lock["matting"]})
    pinned = ModelReference(folder="models/dino", hub="owner/name", revision="b" * 40)
    assert "models.lock records http" in fetch(dino=pinned)[0]["dino"]
