"""A state is read back bit for bit or reported as invalid; neither it nor a run's key costs memory."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from hypnos_pipeline.storage import state as module
from hypnos_pipeline.storage.fingerprint import fingerprint
from hypnos_pipeline.storage.state import InvalidState, read_state, write_state

MEGABYTE = 2**20


def tensors() -> dict[str, torch.Tensor]:
    draws = torch.randn(64, 3, generator=torch.Generator().manual_seed(1))
    return {
        "whole": draws,
        "part of it": draws[3:9, 1],
        "half": draws.to(torch.bfloat16),
        "step": torch.tensor(7.0),
        "bytes": torch.arange(200, dtype=torch.uint8),
        "empty": torch.zeros(0, 3),
    }


def values() -> dict:
    return {"curve": [{"loss": 0.1 + 0.2, "step": 3}], "σ": 1.38191, "nothing": None, "odd": [1e-320, 1e300]}


@pytest.mark.parametrize("shard_bytes", [128 * MEGABYTE, 100])
def test_it_is_read_back_bit_for_bit(tmp_path, monkeypatch, shard_bytes):
    monkeypatch.setattr(module, "SHARD_BYTES", shard_bytes)
    write_state(tmp_path / "state", "key", 3, tensors(), values())
    read = read_state(tmp_path / "state", "key")
    assert (read.step, read.values) == (3, values())
    assert read.tensors.keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert read.tensors[name].dtype == tensor.dtype
        assert torch.equal(read.tensors[name], tensor)
    assert (len(list((tmp_path / "state").glob("*.safetensors"))) > 1) == (shard_bytes == 100)


def halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


TENSORS, DESCRIPTION = "tensors_000.safetensors", "state.json"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: halve(folder / TENSORS), f"{TENSORS} is not what was saved"),
        (lambda folder: flip(folder / TENSORS), f"{TENSORS} is not what was saved"),
        (lambda folder: (folder / TENSORS).unlink(), f"{TENSORS} is missing"),
        (lambda folder: halve(folder / DESCRIPTION), f"{DESCRIPTION} cannot be read"),
        (lambda folder: (folder / DESCRIPTION).unlink(), f"{DESCRIPTION} is missing"),
        (lambda folder: (folder / DESCRIPTION).write_bytes(b"\xff\x00\x80"), "cannot be read"),
        (lambda folder: (folder / DESCRIPTION).write_text("[]"), "of format None, expected"),
        (lambda folder: (shutil.rmtree(folder), folder.write_text("a file")), "cannot be read"),
        (lambda folder: rewrite(folder / DESCRIPTION, '"format": 2', '"format": 1'), "of format 1, expected"),
        (lambda folder: rewrite(folder / DESCRIPTION, '"step": 3,', '"step": 4,'), "is not what was saved"),
    ],
)
def test_damage_is_reported(tmp_path, damage, reason):
    write_state(tmp_path / "state", "key", 3, tensors(), values())
    damage(tmp_path / "state")
    with pytest.raises(InvalidState, match=reason):
        read_state(tmp_path / "state", "key")


def test_another_runs_state_and_one_of_the_older_format_are_invalid(tmp_path):
    write_state(tmp_path / "state", "key", 3, tensors(), values())
    with pytest.raises(InvalidState, match="belongs to another run, key"):
        read_state(tmp_path / "state", "other")
    (tmp_path / "state/state.json").write_text(json.dumps({"step": 3, "values": {}}))
    with pytest.raises(InvalidState, match="of format None"):
        read_state(tmp_path / "state", "key")


def test_the_key_sees_values_and_bytes():
    keys = {
        fingerprint({"rate": 1}, {"a": torch.ones(2)}),
        fingerprint({"rate": 2}, {"a": torch.ones(2)}),
        fingerprint({"rate": 1}, {"a": torch.zeros(2)}),
        fingerprint({"rate": 1}, {"b": torch.ones(2)}),
        fingerprint({"rate": 1}, {"a": torch.ones(1, 2)}),
        fingerprint({"rate": 1}, {"a": torch.ones(2, dtype=torch.float64)}),
    }
    assert len(keys) == 6


def test_the_key_sees_the_number_of_threads():
    key, threads = fingerprint(1, {}), torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        assert fingerprint(1, {}) != key
    finally:
        torch.set_num_threads(threads)


def peak_growth(work) -> int:
    """Returns by how many bytes this process's memory grew at most."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the highest
    except OSError:
        pytest.skip("this machine does not show a process's highest memory")

    def read(what: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))

    before = read("VmRSS")
    work()
    return read("VmHWM") - before


def test_neither_key_nor_saving_copies_the_whole_state(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_BYTES", 8 * MEGABYTE)
    large = {str(n): torch.full((2 * MEGABYTE,), float(n)) for n in range(20)}  # 160 MB
    write_state(tmp_path / "warm", "key", 1, {"0": large["0"]}, {})
    assert peak_growth(lambda: fingerprint(1, large)) < 20 * MEGABYTE
    assert peak_growth(lambda: write_state(tmp_path / "state", "key", 1, large, {})) < 50 * MEGABYTE
