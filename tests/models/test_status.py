"""The state of networks: absent, unpinned, verified, altered, or not those that the study names."""

from __future__ import annotations

from pathlib import Path

import pytest

from hypnos_pipeline.errors import LockError
from hypnos_pipeline.models.lock import (
    FileRecord,
    ModelRecord,
    read_lock,
    recorded_files,
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
    record = ModelRecord(source="owner/name", revision=COMMIT, kept=recorded_files(folder))
    write_record(folder, record)
    return record


def test_an_absent_network_has_the_size_that_was_recorded(reference: ModelReference) -> None:
    kept = {"net.onnx": FileRecord(sha256="0" * 64, bytes=7)}
    lock = {"matting": ModelRecord(source="owner/name", kept=kept)}
    for given, pinned, size in (({}, False, 0), (lock, True, 7)):
        status = model_status("matting", reference, given)
        assert (status.present, status.verified, status.problems) == (False, None, [])
        assert (status.pinned, status.bytes) == (pinned, size)


def test_without_a_lock_a_network_is_unpinned(reference: ModelReference, record: ModelRecord) -> None:
    for given, pinned, verified in (({}, False, None), ({"matting": record}, True, True)):
        status = model_status("matting", reference, given)
        assert (status.present, status.problems) == (True, [])
        assert (status.pinned, status.verified) == (pinned, verified)
    assert status.bytes == 7 + (Path(reference.folder) / "source.json").stat().st_size


def test_what_the_study_pins_needs_no_lock(reference: ModelReference, record: ModelRecord) -> None:
    """Another environment fetched it into the same folder: the record in there names what is pinned."""
    pinned = reference.model_copy(update={"revision": COMMIT})
    status = model_status("matting", pinned, {})
    assert (status.pinned, status.verified, status.problems) == (True, True, [])
    assert problem_of(reference.model_copy(update={"revision": "b" * 40}), {}).endswith(
        f"records revision {COMMIT}, but the study names {'b' * 40}"
    )


def problem_of(reference: ModelReference, lock: dict[str, ModelRecord], adopt: str = "") -> str:
    """Returns the only problem of a network that is here, without its key and its fix."""
    status = model_status("matting", reference, lock, "mini")
    (problem,) = status.problems
    assert status.verified is False
    assert problem.fix == f"{adopt or f'remove {reference.folder}'}, then `kedro models fetch --env mini`"
    return problem.what.removeprefix("models.matting: ")


def test_an_altered_file_is_named_with_what_was_expected(
    reference: ModelReference, record: ModelRecord
) -> None:
    file, expected = Path(reference.folder) / "net.onnx", record.kept["net.onnx"].sha256
    file.write_bytes(b"weighty")
    found = FileRecord.of(file).sha256
    assert problem_of(reference, {"matting": record}) == f"{file} has sha256 {found}, expected {expected}"
    file.write_bytes(b"weight")
    assert problem_of(reference, {}) == f"{file} has 6 bytes, expected 7"
    file.unlink()
    assert problem_of(reference, {}) == f"{file} is missing"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hub": "else/where"}, "records owner/name, but the study names else/where"),
        ({"revision": "b" * 40}, f"records revision {COMMIT}, but the study names {'b' * 40}"),
    ],
)
def test_another_network_than_the_recorded_is_named(
    record: ModelRecord, reference: ModelReference, change: dict, message: str
) -> None:
    changed = reference.model_copy(update=change)
    assert problem_of(changed, {"matting": record}) == f"models.lock (matting) {message}"


def test_a_folder_that_was_not_fetched_is_named(reference: ModelReference) -> None:
    Path(reference.folder).mkdir()
    (Path(reference.folder) / "net.onnx").write_bytes(b"weights")
    unfilled = f"{reference.folder} was not filled by `kedro models fetch`: it has no source.json"
    adopt = f"`kedro models adopt matting {reference.folder} --env mini` takes what is in it; or remove it"
    assert problem_of(reference, {}, adopt) == unfilled


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
    folder = "data/01_raw/models/mini/lpips"
    status = model_status("lpips", ModelReference(folder=folder), {})
    assert (status.present, status.pinned, status.verified, status.problems) == (True, True, True, [])
    assert status.bytes > 1000
    assert status.id == status.folder == folder
