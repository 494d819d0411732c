"""How networks stand: absent, unpinned, verified, altered, or not those that the study names."""

from __future__ import annotations

from pathlib import Path

import pytest

from hypnos_pipeline.models.lock import (
    FileRecord,
    LockError,
    ModelRecord,
    read_lock,
    write_lock,
    write_record,
)
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.status import model_status

COMMIT = "a" * 40


@pytest.fixture
def reference(tmp_path: Path) -> ModelReference:
    return ModelReference(folder=str(tmp_path / "matting"), hub="owner/name")


@pytest.fixture
def record(reference: ModelReference) -> ModelRecord:
    """Of a network that lies where it belongs."""
    folder = Path(reference.folder)
    folder.mkdir()
    (folder / "net.onnx").write_bytes(b"weights")
    record = ModelRecord(
        source="owner/name", revision=COMMIT, kept={"net.onnx": FileRecord.of(folder / "net.onnx")}
    )
    write_record(folder, record)
    return record


def test_an_absent_network_has_the_size_that_was_recorded(reference: ModelReference, tmp_path: Path) -> None:
    status = model_status("matting", reference, {})
    assert (status.present, status.pinned, status.verified) == (False, False, None)
    assert (status.bytes, status.faults) == (0, [])
    kept = {"net.onnx": FileRecord(sha256="0" * 64, bytes=7)}
    status = model_status("matting", reference, {"matting": ModelRecord(source="owner/name", kept=kept)})
    assert (status.present, status.pinned, status.verified, status.bytes) == (False, True, None, 7)


def test_without_a_lock_a_network_is_unpinned(reference: ModelReference, record: ModelRecord) -> None:
    status = model_status("matting", reference, {})
    assert (status.present, status.pinned, status.verified, status.faults) == (True, False, None, [])
    status = model_status("matting", reference, {"matting": record})
    assert (status.present, status.pinned, status.verified, status.faults) == (True, True, True, [])
    assert status.bytes == 7 + (Path(reference.folder) / "source.json").stat().st_size


def test_an_altered_file_is_named_with_what_was_expected(
    reference: ModelReference, record: ModelRecord
) -> None:
    file = Path(reference.folder) / "net.onnx"
    file.write_bytes(b"weighty")
    status = model_status("matting", reference, {"matting": record})
    (fault,) = status.faults
    assert status.verified is False
    assert fault == (
        f"{file} has sha256 {FileRecord.of(file).sha256}, expected {record.kept['net.onnx'].sha256}"
    )
    file.write_bytes(b"weight")
    assert model_status("matting", reference, {}).faults == [f"{file} has 6 bytes, expected 7"]
    file.unlink()
    assert model_status("matting", reference, {}).faults == [f"{file} is missing"]


def test_another_network_than_the_recorded_is_named(record: ModelRecord, reference: ModelReference) -> None:
    changes = {
        "models.lock (matting) records owner/name, but the study names else/where": {"hub": "else/where"},
        f"models.lock (matting) records revision {COMMIT}, but the study names {'b' * 40}": {
            "revision": "b" * 40
        },
    }
    for said, change in changes.items():
        changed = reference.model_copy(update=change)
        assert model_status("matting", changed, {"matting": record}).faults == [said]


def test_a_folder_that_was_not_fetched_is_said_so(reference: ModelReference) -> None:
    Path(reference.folder).mkdir()
    (Path(reference.folder) / "net.onnx").write_bytes(b"weights")
    assert model_status("matting", reference, {}).faults == [
        f"{reference.folder} was not filled by `kedro models fetch`: it has no source.json"
    ]


def test_a_lock_survives_and_its_bytes_do_not_vary(record: ModelRecord, tmp_path: Path) -> None:
    path = tmp_path / "models.lock"
    assert read_lock(path) == {}
    write_lock(path, {"matting": record, "dino": record})
    first = path.read_bytes()
    assert read_lock(path) == {"matting": record, "dino": record}
    write_lock(path, dict(sorted(read_lock(path).items())))
    assert path.read_bytes() == first


@pytest.mark.parametrize("content", ["{", "[]", '{"models": {"dino": {"source": 3}}}', '{"models": []}'])
def test_a_broken_lock_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "models.lock").write_text(content)
    with pytest.raises(LockError, match=r"models\.lock cannot be read .*restore it from git"):
        read_lock(tmp_path / "models.lock")


def test_the_tracked_networks_are_pinned_and_verified(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project_root)
    status = model_status("lpips", ModelReference(folder="data/01_raw/models/mini/lpips"), {})
    assert (status.present, status.pinned, status.verified, status.faults) == (True, True, True, [])
    assert status.bytes > 1000
    assert status.id == status.folder == "data/01_raw/models/mini/lpips"
