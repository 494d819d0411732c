"""A full disk, for real: every dataset names what could not be saved and leaves the old bit for bit."""

from __future__ import annotations

import hashlib
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from kedro.io import AbstractDataset, DatasetError
from PIL import Image

from hypnos_pipeline.datasets import (
    AtomicDataset,
    FinetunedDataset,
    ImageFolderDataset,
    PictureDataset,
    TensorsDataset,
)
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.finetuned import LearnedToken

ROOM = 50_000  # bytes


@contextmanager
def no_room_for_large_files() -> Iterator[None]:
    """The system's own limit on a file's size: writers meet it exactly as they meet a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={4 * ROOM}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no `mount` on this machine")
    if mounted.returncode:
        pytest.skip(f"mounting a small disk needs more rights: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def noise(pixels: int, names: int = 1) -> ImageSet:
    rng = np.random.default_rng(0)
    return ImageSet({str(n): rng.integers(0, 256, (pixels, pixels, 3), dtype=np.uint8) for n in range(names)})


def case(kind: str, folder: Path) -> tuple[AbstractDataset, Any, Any]:
    """Returns a dataset, something small to save in it, and something larger than the room."""
    sizes, target = (1, 4 * ROOM), str(folder / "target")
    if kind == "images":
        return ImageFolderDataset(filepath=target), noise(8), noise(256, 2)
    if kind == "picture":
        pictures = (Image.fromarray(noise(pixels).images["0"]) for pixels in (8, 256))
        return PictureDataset(filepath=f"{target}.png"), *pictures
    if kind == "tensors":
        return TensorsDataset(filepath=f"{target}.safetensors"), *({"a": torch.zeros(n)} for n in sizes)
    if kind == "finetuned":
        tokens = (LearnedToken("<sks>", torch.zeros(n), "robot") for n in sizes)
        return FinetunedDataset(filepath=target), *tokens
    suffix, dataset, content = ATOMIC[kind]
    return AtomicDataset(filepath=target + suffix, dataset=dataset), *map(content, sizes)


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"a": np.random.default_rng(0).random(rows)})


ATOMIC = {
    "json": (".json", "json.JSONDataset", lambda n: {"a": "b" * n}),
    "text": (".md", "text.TextDataset", lambda n: "b" * n),
    "csv": (".csv", "pandas.CSVDataset", frame),
    "parquet": (".parquet", "pandas.ParquetDataset", frame),
}
KINDS = ["images", "picture", "tensors", "finetuned", *ATOMIC]


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        for file in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_too_large_leaves_the_old(tmp_path, kind):
    dataset, small, large = case(kind, tmp_path)
    dataset.save(small)
    before = contents(tmp_path)
    with no_room_for_large_files(), pytest.raises(DatasetError, match=r"file too large.*make room") as caught:
        dataset.save(large)
    assert str(tmp_path / "target") in str(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_leaves_the_old(small_disk, kind):
    dataset, small, large = case(kind, small_disk)
    dataset.save(small)
    before = contents(small_disk)
    with pytest.raises(DatasetError, match=r"no space left on device.*make room"):
        dataset.save(large)
    assert contents(small_disk) == before


def test_room_made_is_room_used(small_disk):
    dataset = ImageFolderDataset(filepath=str(small_disk / "target"))
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"0" * 3 * ROOM)
    with pytest.raises(DatasetError):
        dataset.save(noise(128, 2))
    ballast.unlink()
    dataset.save(noise(128, 2))
    assert len(dataset.load().images) == 2
