"""Folders of libraries' caches, for users without a home folder that they can write."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hypnos_pipeline.storage.caches import FOLDERS, use_writable_caches


@pytest.fixture(autouse=True)
def homeless(tmp_path: Path, monkeypatch) -> Path:
    """A home folder that not even root can write in, and a folder for temporary files of one's own."""
    (tmp_path / "home").touch()
    for name in (*FOLDERS, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    # What is set under test does not outlive it.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return tmp_path


def test_without_a_home_folder_caches_are_private_and_found_again(homeless: Path) -> None:
    use_writable_caches()
    folders = {os.environ[name] for name in FOLDERS}
    (parent,) = {Path(folder).parent for folder in folders}
    assert parent.parent == homeless
    assert stat.S_IMODE(parent.stat().st_mode) == 0o700
    for name in FOLDERS:
        del os.environ[name]
    use_writable_caches()
    assert {os.environ[name] for name in FOLDERS} == folders


def test_a_folder_that_others_may_write_in_is_not_used(homeless: Path) -> None:
    others = homeless / f"hypnos-caches-{os.getuid()}"
    others.mkdir()
    others.chmod(0o777)
    use_writable_caches()
    assert others not in Path(os.environ["NUMBA_CACHE_DIR"]).parents


def test_the_user_s_own_choice_and_home_come_first(homeless: Path) -> None:
    os.environ["NUMBA_CACHE_DIR"] = "mine"
    use_writable_caches()
    assert os.environ.pop("NUMBA_CACHE_DIR") == "mine"
    del os.environ["MPLCONFIGDIR"]
    os.environ["XDG_CACHE_HOME"] = str(homeless / "not_yet" / "there")
    use_writable_caches()
    assert not FOLDERS.keys() & os.environ.keys()


def test_a_home_folder_within_one_that_may_not_be_entered_or_none_at_all(homeless: Path, monkeypatch) -> None:
    def refused(self: Path) -> bool:  # as Python 3.11 does for those who are not root
        raise PermissionError(self)

    monkeypatch.setattr(Path, "exists", refused)
    for home in (str(homeless / "home"), "~"):
        monkeypatch.setattr(os.path, "expanduser", lambda path, home=home: path.replace("~", home))
        use_writable_caches()
        assert homeless in Path(os.environ.pop("NUMBA_CACHE_DIR")).parents
        del os.environ["MPLCONFIGDIR"]


def test_onnxruntime_prepares_no_reports_to_its_maker(homeless: Path) -> None:
    os.environ["HOME"] = str(homeless)
    os.environ.pop("ORT_DISABLE_TELEMETRY", None)
    code = "import hypnos_pipeline.settings, onnxruntime"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
    assert not (homeless / ".cache" / "Microsoft").exists()
