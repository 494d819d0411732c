"""What is fetched, or adopted, of each network of ``conf/paper`` is all that its loader needs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
import yaml

from hypnos_pipeline.models.fetching.adoption import adopt
from hypnos_pipeline.models.fetching.fetch import fetch_all
from hypnos_pipeline.models.fetching.releases import file_name
from hypnos_pipeline.models.integrity import files_of, folder_problems
from hypnos_pipeline.models.lock import read_lock
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.status import model_status
from tests.conftest import PROJECT_ROOT
from tests.hub.layouts import LAYOUTS
from tests.hub.networks import SMALL
from tests.hub.server import Hub
from tests.models.fetching.test_fetch import foreign
from tests.tiny_models import save_tiny_text_to_image

LOCK = Path("models.lock")
STUDY = yaml.safe_load((PROJECT_ROOT / "conf/paper/parameters_study.yml").read_text(encoding="utf-8"))
PINS = {"revision": None, "sha256": None, "sha512": None}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save_inception(folder: Path) -> Path:
    """Writes FID's Inception as it is made, without calibrating it."""
    from hypnos_pipeline.models.inception import FidInceptionV3, save_fid_inception

    folder.mkdir()
    save_fid_inception(FidInceptionV3().state_dict(), folder)
    return folder


@pytest.mark.parametrize("key", [key for key in STUDY["models"] if key != "matting"])
def test_every_network_of_the_papers_study_comes_whole(
    hub: Hub, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are random and small, so that the pins are left out."""
    reference = ModelReference(**STUDY["models"][key] | PINS)
    quick = {"text_to_image": save_tiny_text_to_image, "inception": save_inception}
    quick[key](Path("made")) if key in quick else SMALL[key](Path("made"), 1)
    LAYOUTS[key].write(Path("made"), Path("published"))
    files = files_of(Path("published"))
    if reference.hub:
        hub.publish(reference.hub, files)
    else:
        name = file_name(str(reference.url))
        hub.files[f"/releases/{name}"] = files[name]
        monkeypatch.setenv("HYPNOS_RELEASES", f"{hub.address}/releases")
    assert fetch_all({key: reference}, LOCK, print) == {}
    status = model_status(key, reference, read_lock(LOCK))
    assert (status.verified, status.problems) == (True, [])
    assert folder_problems(key, Path(reference.folder)) == []
    fetched = {name: file.read_bytes() for name, file in files_of(Path(reference.folder)).items()}

    by_hand = reference.model_copy(update={"folder": "by_hand"})
    adopt(key, by_hand, Path("published"), Path("other.lock"), print)
    adopted = {name: file.read_bytes() for name, file in files_of(Path("by_hand")).items()}
    assert {**adopted, "source.json": b""} == {**fetched, "source.json": b""}


@pytest.mark.parametrize(
    ("reference", "name", "content", "kept"),
    [
        ({"hub": "Carve/tracer_b7"}, "tracer_b7.pth", foreign(a=torch.ones(2)), "tracer_b7.safetensors"),
        ({"url": "https://x.org/isnet.onnx"}, "isnet.onnx", b"a network", "isnet.onnx"),
    ],
)
def test_the_network_of_either_background_remover_comes_whole(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, reference: dict[str, str], name: str, content: bytes, kept: str
) -> None:
    matting = ModelReference(folder="models/matting", **reference)
    hub.publish("Carve/tracer_b7", {name: content, "README.md": b"a card"})
    hub.files[f"/releases/{name}"] = content
    monkeypatch.setenv("HYPNOS_RELEASES", f"{hub.address}/releases")
    assert fetch_all({"matting": matting}, LOCK, print) == {}
    assert set(files_of(Path("models/matting"))) == {kept, "source.json"}
    assert model_status("matting", matting, read_lock(LOCK)).verified


def test_a_sha512_pins_the_weights_of_a_repository(hub: Hub) -> None:
    content = foreign(a=torch.ones(2))
    hub.publish("Carve/tracer_b7", {"tracer_b7.pth": content, "config.json": b"{}"})
    pin = hashlib.sha512(content).hexdigest()
    right = ModelReference(folder="models/matting", hub="Carve/tracer_b7", sha512=pin)
    wrong = right.model_copy(update={"sha512": "0" * 128})
    assert (
        f"tracer_b7.pth has sha512 {pin}, expected 000"
        in fetch_all({"matting": wrong}, LOCK, print)["matting"]
    )
    assert fetch_all({"matting": right}, LOCK, print) == {}
    assert fetch_all({"matting": right}, LOCK, print) == {}
    assert f"models.lock records sha512 {pin}" in fetch_all({"matting": wrong}, LOCK, print)["matting"]
    (problem,) = model_status("matting", wrong, read_lock(LOCK)).problems
    assert problem.what.endswith(f"records sha512 {pin}, but the study names {'0' * 128}")
