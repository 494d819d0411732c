"""Replacing: a kill or a full disk at any moment leaves the old whole, the new whole or nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hypnos_pipeline.errors import StorageFull
from hypnos_pipeline.storage import replacing
from hypnos_pipeline.storage.replacing import replaced_file, replaced_folder

# Saves "new" and kills itself while writing (0) or at a rename (1, 2: just before the first, the second).
KILLED_SAVE = """
import os, signal, sys
from pathlib import Path
from hypnos_pipeline.storage import replacing
kind, target, moment = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
renames, ordinary = 0, os.replace
def replace(source, destination):
    global renames
    renames += 1
    if renames == moment:
        os.kill(os.getpid(), signal.SIGKILL)
    ordinary(source, destination)
os.replace = replace
with getattr(replacing, f"replaced_{kind}")(target) as partial:
    (partial if kind == "file" else partial / "a.txt").write_text("new")
    if moment == 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def write(target: Path, kind: str, text: str) -> None:
    with getattr(replacing, f"replaced_{kind}")(target) as partial:
        (partial if kind == "file" else partial / "a.txt").write_text(text)


def fail_half_way(target: Path, kind: str, error: Exception) -> None:
    with getattr(replacing, f"replaced_{kind}")(target) as partial:
        (partial if kind == "file" else partial / "a.txt").write_text("half")
        try:
            raise error
        except type(error) as cause:
            raise ValueError("as Kedro wraps it") from cause


def read(target: Path, kind: str) -> str | None:
    file = target if kind == "file" else target / "a.txt"
    return file.read_text() if file.exists() else None


@pytest.mark.parametrize(
    ("kind", "moment", "left"),
    [("file", 0, "old"), ("file", 1, "old"), ("folder", 0, "old"), ("folder", 1, "old"), ("folder", 2, None)],
)
def test_a_killed_save_leaves_nothing_half(tmp_path, kind, moment, left):
    target = tmp_path / "target"
    write(target, kind, "old")
    killed = subprocess.run([sys.executable, "-c", KILLED_SAVE, kind, target, str(moment)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read(target, kind) == left
    assert all(path.name.startswith(".target.") for path in tmp_path.iterdir() if path != target)
    write(target, kind, "newer")
    assert read(target, kind) == "newer"
    assert list(tmp_path.iterdir()) == [target]


def test_what_was_half_removed_is_never_put_back(tmp_path):
    target, old = tmp_path / "target", tmp_path / ".target.old"
    old.mkdir()  # the kill came while it was being removed; then DVC removed the target
    with pytest.raises(ZeroDivisionError), replaced_folder(target):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_one_error_that_names_the_target(tmp_path, kind, error):
    target = tmp_path / "target"
    write(target, kind, "old")
    with pytest.raises(StorageFull) as caught:
        fail_half_way(target, kind, error)
    assert str(target) in str(caught.value)
    assert os.strerror(getattr(error, "errno", None) or errno.ENOSPC).lower() in str(caught.value)
    assert "make room" in str(caught.value)
    assert read(target, kind) == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_old_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target, ordinary = tmp_path / "target", os.replace
    write(target, "folder", "old")

    def replace(source: Path, destination: Path) -> None:
        if source.name == ".target.partial":
            raise OSError(errno.ENOSPC, "No space left on device")  # the parent folder could not grow
        ordinary(source, destination)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(StorageFull):
        write(target, "folder", "new")
    assert read(target, "folder") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_disk_reports_late_is_heard(tmp_path, monkeypatch):
    write(tmp_path / "target", "file", "old")

    def fsync(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")  # as network disks do

    monkeypatch.setattr(os, "fsync", fsync)
    for kind in ("file", "folder"):
        with pytest.raises(StorageFull):
            write(tmp_path / "target", kind, "new")
    assert read(tmp_path / "target", "file") == "old"


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError), replaced_file(tmp_path / "target"):
        raise PermissionError(errno.EACCES, "Permission denied")
