"""Fetching all networks of a study: once, locked, verified, every problem reported at once."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from hypnos_pipeline.models.fetching.fetch import fetch_all
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.lock import FileRecord, read_lock, write_lock
from hypnos_pipeline.models.settings import ModelReference, RandomNetwork
from hypnos_pipeline.models.status import model_status
from tests.hub.server import Hub


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts folders and ``models.lock`` into a folder of their own."""
    monkeypatch.chdir(tmp_path)


def foreign(**tensors) -> bytes:
    """The content of a .pth file."""
    stream = io.BytesIO()
    torch.save(tensors, stream)
    return stream.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(**references: ModelReference) -> tuple[dict[str, str], list[str]]:
    """Fetches with ``models.lock`` in the working directory; returns the problems and what was reported."""
    reported: list[str] = []
    return fetch_all(references, Path("models.lock"), reported.append), reported


def published(
    server: Hub, name: str = "net.onnx", content: bytes = b"weights", folder: str = "matting", **pins
) -> ModelReference:
    """Puts a file on the server and returns a reference to it."""
    server.files[f"/{name}"] = content
    return ModelReference(folder=f"models/{folder}", url=f"{server.address}/{name}", **pins)


def test_what_was_fetched_is_locked_and_never_fetched_again(server: Hub) -> None:
    from safetensors.torch import load_file

    weights = torch.arange(6.0).reshape(2, 3)
    content = foreign(state_dict={"a": weights, "b": weights.t()})
    reference = published(server, "tracer_b7.pth", content)
    assert fetch(matting=reference)[0] == {}
    assert torch.equal(load_file("models/matting/tracer_b7.safetensors")["b"], weights.t())
    assert list(files_of(Path("models"))) == ["matting/source.json", "matting/tracer_b7.safetensors"]
    lock = read_lock(Path("models.lock"))
    downloaded = lock["matting"].downloaded["tracer_b7.pth"]
    assert downloaded == FileRecord(sha256=sha256(content), bytes=len(content))
    status = model_status("matting", reference, lock)
    assert (status.pinned, status.verified, status.problems) == (True, True, [])
    server.requests.clear()
    assert fetch(matting=reference) == ({}, [f"matting: {reference.url} is here and verified"])
    assert server.requests == []


def test_another_environment_takes_over_what_is_here(server: Hub) -> None:
    reference = published(server)
    fetch(matting=reference)
    first = Path("models.lock").rename("first.lock").read_bytes()
    server.requests.clear()
    assert fetch(matting=reference)[0] == {}
    assert server.requests == []
    assert Path("models.lock").read_bytes() == first
    assert Path("models/matting/net.onnx").read_bytes() == b"weights"


def test_a_wrong_sha256_is_refused_and_nothing_kept(server: Hub) -> None:
    reference = published(server, sha256="0" * 64)
    problems, _ = fetch(matting=reference)
    assert problems["matting"] == (
        f"{reference.url}: net.onnx has sha256 {sha256(b'weights')}, expected {'0' * 64}; it was not kept"
    )
    assert list(Path("models").iterdir()) == []
    assert not Path("models.lock").exists()


def test_a_source_that_changed_since_the_lock_is_refused(server: Hub) -> None:
    reference = published(server)
    fetch(matting=reference)
    shutil.rmtree("models/matting")
    published(server, content=b"weighty")
    before = Path("models.lock").read_bytes()
    problems, _ = fetch(matting=reference)
    assert f"net.onnx has sha256 {sha256(b'weighty')}, expected {sha256(b'weights')}" in problems["matting"]
    assert not Path("models/matting").exists()
    assert Path("models.lock").read_bytes() == before


def test_an_altered_folder_and_another_reference_are_refused(server: Hub) -> None:
    reference = published(server)
    fetch(matting=reference)
    other = reference.model_copy(update={"url": f"{server.address}/other.onnx"})
    assert fetch(matting=other)[0]["matting"] == (
        f"models.lock records {reference.url}, but the study names {other.url}; "
        "remove its entry 'matting' and the folder to fetch anew"
    )
    Path("models/matting/net.onnx").write_bytes(b"weighty")
    problem = fetch(matting=reference)[0]["matting"]
    assert "net.onnx has sha256" in problem
    assert problem.endswith("remove models/matting to fetch it anew")
    write_lock(Path("models.lock"), {"dino": read_lock(Path("models.lock"))["matting"]})
    pinned = ModelReference(folder="models/dino", hub="owner/name", revision="b" * 40)
    assert "models.lock records http" in fetch(dino=pinned)[0]["dino"]


def test_a_network_that_lacks_a_file_is_never_called_whole(server: Hub) -> None:
    reference = published(server, folder="dino")
    assert fetch(matting=reference)[0] == {}
    lacking = "models/dino/config.json is missing; models/dino/model.safetensors is missing"
    fix = "remove models/dino and the entry 'dino' of models.lock to fetch it anew"
    problem = fetch(dino=reference)[0]["dino"]
    assert problem.startswith(lacking)
    assert problem.endswith(fix)
    shutil.rmtree("models")
    problem = fetch(dino=reference)[0]["dino"]
    assert "config.json is missing" in problem
    assert problem.endswith("nothing was kept")
    assert not Path("models/dino").exists()


def test_every_problem_is_reported_at_once_and_the_others_are_fetched(server: Hub) -> None:
    dead = "http://127.0.0.1:9"
    problems, _ = fetch(
        text_to_image=ModelReference(folder="models/a", url=f"{dead}/a.pth"),
        perceptual=ModelReference(folder="models/b", url=f"{dead}/b.pth"),
        dino=published(server, "text.pth", b"no weights", "c"),
        clip=published(server, "net.zip", b"PK", "d"),
        inception=ModelReference(folder="models/e", hub="owner/name"),
        lpips=ModelReference(folder="models/f"),
        matting=published(server, folder="g"),
    )
    assert list(problems) == ["text_to_image", "perceptual", "dino", "clip", "inception", "lpips"]
    for key in ("text_to_image", "perceptual"):
        assert "127.0.0.1:9 cannot be reached" in problems[key]
    assert "text.pth: not a file of weights alone" in problems["dino"]
    assert "net.zip: expected one of .pth, .pt, .bin, .safetensors, .onnx" in problems["clip"]
    assert "the environment variable HF_HUB_OFFLINE is set" in problems["inception"]
    assert problems["lpips"] == "models/f: no such folder; it belongs to the project: restore it"
    assert list(read_lock(Path("models.lock"))) == ["matting"]
    assert sorted(file.name for file in Path("models").iterdir()) == ["g"]


def test_a_pickle_that_would_run_something_is_not_run(server: Hub) -> None:
    class Malicious:
        def __reduce__(self):
            return (Path.touch, (Path("was_run"),))

    problems, _ = fetch(dino=published(server, "net.pth", pickle.dumps({"a": Malicious()})))
    assert "net.pth: not a file of weights alone" in problems["dino"]
    assert not Path("was_run").exists()


def test_random_networks_are_made_and_not_locked() -> None:
    random = RandomNetwork(architecture="alexnet_lpips", seed=1)
    reference = ModelReference(folder="models/lpips", random=random)
    assert fetch(lpips=reference) == ({}, ["lpips: making random:alexnet_lpips/1"])
    assert not Path("models.lock").exists()
    assert model_status("lpips", reference, {}).verified
    assert fetch(lpips=reference)[1] == ["lpips: random:alexnet_lpips/1 is here and verified"]
    other = reference.model_copy(update={"random": RandomNetwork(architecture="alexnet_lpips", seed=6)})
    (problem,) = model_status("lpips", other, {}).problems
    recorded = "source.json records random:alexnet_lpips/1, but the study names random:alexnet_lpips/6"
    assert problem.what.endswith(recorded)


def test_alexnet_becomes_lpips_with_the_published_heads(server: Hub) -> None:
    from torchvision.models import alexnet

    from hypnos_pipeline.models.lpips import load_lpips_network

    backbone = {key: value for key, value in alexnet(weights=None).state_dict().items() if "features" in key}
    assert fetch(lpips=published(server, "alexnet.pth", foreign(**backbone), "lpips"))[0] == {}
    heads = load_lpips_network(Path("models/lpips")).heads
    assert [head.numel() for head in heads] == [64, 192, 384, 256, 256]
    assert json.loads(Path("models/lpips/config.json").read_text()) == {"architecture": "alexnet_lpips"}


def test_inception_is_kept_without_its_classifier(server: Hub) -> None:
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.inception import FidInceptionV3

    network = FidInceptionV3().eval()
    classifier = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    content = foreign(**network.state_dict(), **classifier)
    reference = published(server, "pt_inception-2015-12-05.pth", content, "inception")
    assert fetch(inception=reference)[0] == {}
    assert model_status("inception", reference, read_lock(Path("models.lock"))).verified
    embedded = load_frechet_network(Path("models/inception")).embed(torch.rand(1, 3, 64, 64))
    assert (embedded.final.shape, embedded.early.shape) == ((1, 2048), (1, 64))
