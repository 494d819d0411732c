"""Photos are read by the check that sees them first, and again once anything about them has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from hypnos_pipeline.checks import read_once as module
from hypnos_pipeline.checks.read_once import KEPT, ReadOnce, read_once
from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.imaging import photos
from tests.imaging.conftest import picture


@pytest.fixture
def mug(tmp_path) -> Path:
    """A folder of three photos in a project, one of them with a mask."""
    folder = tmp_path / "photos/mug"
    (folder / "masks").mkdir(parents=True)
    for index in range(3):
        picture(index).save(folder / f"{index}.bmp")
    with Image.open(folder / "1.bmp") as photo:
        Image.linear_gradient("L").resize(photo.size).save(folder / "masks/1.png")
    return folder


@pytest.fixture
def read(monkeypatch) -> list[Path]:
    """The folders that were read."""
    folders = []

    def noted(folder: Path):
        folders.append(folder)
        return reads(folder)

    reads = photos.read_photos
    monkeypatch.setattr(photos, "read_photos", noted)
    return folders


def outline(root: Path, folder: Path):
    with read_once(root) as known:
        return known.outline(folder)


def test_what_was_read_is_known(tmp_path, mug, read):
    first, second = outline(tmp_path, mug), outline(tmp_path, mug)
    assert first == second == photos.read_photos(mug).outline
    assert first.masks == {"1"}
    assert read == [mug, mug]  # the first check, and this test
    assert str(tmp_path) not in (tmp_path / KEPT).read_text()


@pytest.mark.parametrize("change", ["content", "another photo", "no mask", "code"])
def test_what_has_changed_is_read_again(tmp_path, mug, read, change, monkeypatch):
    before = outline(tmp_path, mug)
    if change == "content":  # of the same size and time
        file = mug / "0.bmp"
        times = file.stat()
        picture(4).save(file)
        assert file.stat().st_size == times.st_size
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "another photo":
        picture(3).save(mug / "3.bmp")
    elif change == "no mask":
        (mug / "masks/1.png").unlink()
    else:
        monkeypatch.setattr(module, "_reader", lambda: "another")
    after = outline(tmp_path, mug)
    assert read == [mug, mug]
    assert (after == before) == (change in ("content", "code"))


def test_what_is_wrong_or_ignored_is_said_each_time(tmp_path, mug, read):
    (mug / "notes.pdf").write_bytes(b"1")
    for _ in range(2):
        outline(tmp_path, mug)
    (mug / "2.bmp").write_bytes(b"no picture")
    for _ in range(2):
        with pytest.raises(PhotoError):
            outline(tmp_path, mug)
    assert len(read) == 4
    assert not (tmp_path / KEPT).exists()


def test_a_check_that_found_nothing_is_made_again_once_anything_has_changed(tmp_path, mug):
    made = []

    def problems(beside: str = "", *found: Problem) -> list[Problem]:
        def check():
            made.append(beside)
            return [*found]

        with read_once(tmp_path) as known:
            return known.problems(check, [mug, mug / "masks"], beside)

    wrong = Problem("mug", "a problem")
    assert problems("", wrong) == problems("", wrong) == [wrong]
    assert problems() == problems() == []
    assert problems("other sizes") == []
    (mug / "masks/2.png").write_bytes(b"1")
    assert problems("other sizes") == []
    assert made == ["", "", "", "other sizes", "other sizes"]


def test_folders_that_are_gone_are_forgotten_and_others_kept(tmp_path, mug):
    other = mug.rename(mug.with_name("cup"))
    outline(tmp_path, other)
    other.rename(mug)
    outline(tmp_path, mug)
    assert list(json.loads((tmp_path / KEPT).read_text())["folders"]) == ["photos/mug"]


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_a_damaged_file_only_costs_the_reading(tmp_path, mug, content, read):
    (tmp_path / KEPT).parent.mkdir(parents=True)
    (tmp_path / KEPT).write_text(content)
    for _ in range(2):
        outline(tmp_path, mug)
    assert read == [mug]


def test_where_nothing_can_be_kept_photos_are_read(tmp_path, mug, read):
    (tmp_path / "data").write_text("a file where the folder should be")
    for _ in range(2):
        assert ReadOnce(tmp_path / KEPT, tmp_path).outline(mug).masks == {"1"}
        outline(tmp_path, mug)
    assert len(read) == 4
