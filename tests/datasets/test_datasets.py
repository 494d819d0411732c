"""Datasets: what is saved comes back, and a failed save leaves the old whole."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from hypnos_pipeline.datasets import AtomicDataset, FolderDataset, ImageFolderDataset, TensorsDataset
from hypnos_pipeline.imaging.image_set import ImageSet


def some_images(names=("a", "set/b")) -> ImageSet:
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (8, 8, 3), dtype=np.uint8) for name in names}
    return ImageSet(images, [{"name": name, "prompt": "a photo of sks robot"} for name in names])


def test_image_folder_comes_back_in_order(tmp_path):
    dataset = ImageFolderDataset(filepath=str(tmp_path / "folder"))
    saved = some_images(("z", "set/b", "a"))
    dataset.save(saved)
    loaded = dataset.load()
    assert list(loaded.images) == ["z", "set/b", "a"]
    assert loaded.manifest == saved.manifest
    assert all(np.array_equal(loaded.images[name], saved.images[name]) for name in saved.images)


def test_mattes_stay_grey(tmp_path):
    dataset = ImageFolderDataset(filepath=str(tmp_path / "mattes"))
    dataset.save(ImageSet({"00": np.full((4, 4), 7, np.uint8)}))
    assert dataset.load().images["00"].shape == (4, 4)


def test_saving_replaces_the_whole_folder_or_leaves_the_old(tmp_path):
    dataset = ImageFolderDataset(filepath=str(tmp_path / "folder"))
    dataset.save(some_images(("old", "kept")))
    dataset.save(some_images(("kept",)))
    with pytest.raises(DatasetError):
        dataset.save(ImageSet({"a": np.zeros((8, 8, 3), np.uint8), "b": np.zeros((8, 8, 7), np.uint8)}))
    assert list(dataset.load().images) == ["kept"]
    assert [file.name for file in sorted(tmp_path.rglob("*.png"))] == ["kept.png"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    dataset = AtomicDataset(filepath=str(tmp_path / "t.json"), dataset="json.JSONDataset")
    dataset.save({"a": 1})
    with pytest.raises(DatasetError):
        dataset.save({"a": object()})
    assert dataset.load() == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.json"]


def test_a_save_does_not_write_through_a_hard_link(tmp_path):
    csv = {"type": "pandas.CSVDataset", "save_args": {"index": False}}
    dataset = AtomicDataset(filepath=str(tmp_path / "t.csv"), dataset=csv)
    dataset.save(pd.DataFrame({"a": [1]}))
    os.link(tmp_path / "t.csv", tmp_path / "cached.csv")
    dataset.save(pd.DataFrame({"a": [2]}))
    assert (tmp_path / "cached.csv").read_text() == "a\n1\n"
    assert dataset.load().a.tolist() == [2]


def test_tensors_come_back_and_give_the_same_bytes(tmp_path):
    import torch

    dataset = TensorsDataset(filepath=str(tmp_path / "t.safetensors"))
    dataset.save({"b": torch.arange(3.0), "a": torch.zeros(2, 2)})
    first = (tmp_path / "t.safetensors").read_bytes()
    dataset.save({"a": torch.zeros(2, 2), "b": torch.arange(3.0)})
    assert (tmp_path / "t.safetensors").read_bytes() == first
    assert torch.equal(dataset.load()["b"], torch.arange(3.0))


def test_a_folder_of_the_users_is_handed_on_and_never_written(tmp_path):
    dataset = FolderDataset(filepath=str(tmp_path / "truth"))
    assert dataset.load() == tmp_path / "truth"
    assert not dataset.exists()
    (tmp_path / "truth").mkdir()
    assert dataset.exists()
    with pytest.raises(DatasetError, match="never written"):
        dataset.save(tmp_path)
