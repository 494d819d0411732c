"""A folder or file that was filled by hand becomes a network of the study, as far as it is what is pinned."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.adoption import adopt
from hypnos_pipeline.models.fetching.fetch import fetch_all
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.lock import read_lock, read_record
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.status import model_status
from tests.hub.server import COMMIT, Hub
from tests.models.fetching.test_fetch import foreign
from tests.tiny_models import save_tiny_vit

LOCK = Path("models.lock")
DINO = ModelReference(folder="models/dino", hub="owner/dino", revision=COMMIT)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers folder."""
    return save_tiny_vit(tmp_path_factory.mktemp("vit") / "vit")


@pytest.fixture
def clone(vit: Path) -> Path:
    """A clone of a repository, with what nobody needs."""
    folder = Path("downloads/dino")
    shutil.copytree(vit, folder)
    (folder / "README.md").write_text("a card")
    (folder / "tf_model.h5").write_bytes(b"another format")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: main")
    return folder


def taken(key: str, reference: ModelReference, path: Path) -> str:
    """Adopts a network; returns what was reported, once it is whole and nothing is left to fetch."""
    reported: list[str] = []
    adopt(key, reference, path, LOCK, reported.append)
    status = model_status(key, reference, read_lock(LOCK))
    assert (status.present, status.pinned, status.verified, status.problems) == (True, True, True, [])
    assert fetch_all({key: reference}, LOCK, lambda line: None) == {}
    return "\n".join(reported)


def refused(key: str, reference: ModelReference, path: Path) -> str:
    """Tries to adopt a network; returns why not, once it is sure that nothing has changed."""
    before = {name: file.read_bytes() for name, file in files_of(Path()).items()}
    with pytest.raises(FetchError) as error:
        adopt(key, reference, path, LOCK, print)
    assert {name: file.read_bytes() for name, file in files_of(Path()).items()} == before
    return str(error.value)


def test_a_clone_elsewhere_is_copied_as_far_as_it_is_needed(clone: Path, vit: Path) -> None:
    before = set(files_of(clone))
    reported = taken("dino", DINO, clone)
    assert f"that it is commit {COMMIT} of owner/dino, a folder cannot prove" in reported
    record = read_record(Path("models/dino"))
    assert record is not None
    assert (record.revision, record.adopted) == (COMMIT, True)
    assert record.downloaded.keys() == {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert set(files_of(Path("models/dino"))) == {*record.downloaded, "source.json"}
    assert set(files_of(clone)) == before
    assert (Path("models/dino") / "config.json").stat().st_nlink == 1


def test_a_clone_in_the_networks_own_folder_is_adopted_where_it_is(clone: Path) -> None:
    Path("models").mkdir()
    clone.rename("models/dino")
    (problem,) = model_status("dino", DINO, {}, "paper").problems
    assert problem.fix.startswith("`kedro models adopt dino models/dino --env paper` takes what is in it")
    assert (
        "`kedro models adopt dino models/dino --env <env>` takes"
        in fetch_all({"dino": DINO}, LOCK, print)["dino"]
    )
    assert "dino: 3 files that no pipeline reads are in models/dino.left_over now" in taken(
        "dino", DINO, Path("models/dino")
    )
    left = set(files_of(Path("models/dino.left_over")))
    assert left == {"README.md", "tf_model.h5", ".git/HEAD"}


def test_what_the_hub_gives_and_what_a_folder_gives_is_recorded_alike(
    hub: Hub, clone: Path, vit: Path
) -> None:
    taken("dino", DINO, clone)
    adopted = read_lock(LOCK)["dino"]
    shutil.rmtree("models")
    hub.publish("owner/dino", {name: file.read_bytes() for name, file in files_of(vit).items()})
    # Another machine that has the lock and the network fetches the same files.
    assert fetch_all({"dino": DINO}, LOCK, lambda line: None) == {}
    fetched = read_record(Path("models/dino"))
    assert fetched is not None
    assert (fetched.downloaded, fetched.kept) == (adopted.downloaded, adopted.kept)
    # The folder goes to a machine without network, with the lock and without.
    shutil.copytree("models/dino", "stick/dino")
    for lock in (True, False):
        shutil.rmtree("models")
        if not lock:
            LOCK.unlink()
        proof = f"its files are those that {'models.lock' if lock else 'its source.json'} lists"
        assert taken("dino", DINO, Path("stick/dino")).endswith(proof)
        assert read_record(Path("models/dino")) == fetched


def test_the_cache_of_the_hubs_own_library_is_adopted(clone: Path) -> None:
    """It keeps a repository's files as links to blobs, below the commit."""
    cache = Path("hub/models--owner--dino")
    (cache / "blobs").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        (clone / name).rename(cache / "blobs" / name)
        link = cache / "snapshots" / COMMIT / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path("../../blobs") / name)
    taken("dino", DINO, cache)
    assert not any(file.is_symlink() for file in Path("models/dino").iterdir())


def test_an_altered_copy_of_a_fetched_folder_is_refused(hub: Hub, vit: Path) -> None:
    hub.publish("owner/dino", {name: file.read_bytes() for name, file in files_of(vit).items()})
    fetch_all({"dino": DINO}, LOCK, lambda line: None)
    Path("models/dino").rename("stick")
    Path("stick/config.json").write_text("{}")
    assert "config.json has sha256" in refused("dino", DINO, Path("stick"))
    LOCK.unlink()
    assert "stick/config.json has 2 bytes, expected" in refused("dino", DINO, Path("stick"))


@pytest.mark.parametrize("kind", ["file", "folder", "renamed"])
def test_a_release_file_is_adopted_by_its_pin(kind: str) -> None:
    content = foreign(a=torch.arange(3.0))
    folder = Path("downloads")
    folder.mkdir()
    file = folder / ("other.pth" if kind == "renamed" else "tracer_b7.pth")
    file.write_bytes(content)
    for algorithm in ("sha256", "sha512"):
        pin = {algorithm: hashlib.new(algorithm, content).hexdigest()}
        named = {"folder": f"models/{algorithm}", "url": "https://x.org/tracer_b7.pth"}
        reference = ModelReference.model_validate(named | pin)
        reported = taken("matting", reference, folder if kind == "folder" else file)
        assert f"its {algorithm} is the pinned one" in reported
        assert (Path(reference.folder) / "tracer_b7.safetensors").is_file()
        LOCK.unlink()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_file_with_another_digest_is_refused(algorithm: str) -> None:
    pin = {algorithm: "0" * (64 if algorithm == "sha256" else 128)}
    named = {"folder": "models/matting", "url": "https://x.org/net.onnx"}
    reference = ModelReference.model_validate(named | pin)
    Path("net.onnx").write_bytes(b"weights")
    expected = f"expected {pin[algorithm]}; it is not the file that is pinned"
    assert refused("matting", reference, Path("net.onnx")).endswith(expected)


def test_what_cannot_be_adopted_is_refused_with_the_reason(clone: Path) -> None:
    own = ModelReference(folder="models/own")
    assert "only a network with a key hub or url is adopted" in refused("dino", own, clone)
    assert refused("dino", DINO, Path("nowhere")) == "nowhere: no such file or folder"
    released = ModelReference(folder="models/lpips", url="https://x.org/alexnet.pth")
    assert refused("lpips", released, clone).startswith("downloads/dino lacks alexnet.pth, which is what")
    clip = ModelReference(folder="models/clip", hub="owner/clip")
    assert refused("clip", clip, clone).startswith("downloads/dino lacks a tokenizer")
    (clone / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert "model.safetensors is a pointer to a file in Git LFS; `git lfs pull`" in refused(
        "dino", DINO, clone
    )
    (clone / "model.safetensors").write_bytes(b"no weights at all")
    assert "model.safetensors is truncated or no safetensors file" in refused("dino", DINO, clone)
    Path("models/dino").mkdir(parents=True)
    Path("models/dino/net.onnx").write_bytes(b"weights")
    assert "models/dino is not empty" in refused("dino", DINO, clone)
    assert "models/dino lacks config.json" in refused("dino", DINO, Path("models/dino"))
