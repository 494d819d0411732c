"""What `make` does before it installs anything, and where it looks for what it installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import PROJECT_ROOT

SPEC = importlib.util.spec_from_file_location("can_install", PROJECT_ROOT / ".ci/can_install.py")
can_install = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(can_install)


@pytest.fixture
def folder(tmp_path: Path, project_root: Path) -> Path:
    """A project with nothing but what `make` reads, in a folder whose name has a space."""
    folder = tmp_path / "my projects"
    (folder / ".ci").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock", ".ci/can_install.py"):
        shutil.copy(project_root / name, folder / name)
    return folder


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, check=False)


def test_another_python_is_refused_before_anything_is_fetched(folder: Path) -> None:
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text().replace(">=3.11,<3.14", ">=3.50,<3.52"))
    done = make(folder)
    assert done.returncode != 0
    assert "expected 3.50 to 3.51. Name one: make PYTHON=python3.51" in done.stderr
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("system", "processor", "release", "version", "why"),
    [
        ("Linux", "x86_64", "", (3, 11), ""),
        ("Linux", "aarch64", "", (3, 13), ""),
        ("Darwin", "arm64", "14.5", (3, 12), ""),
        ("Darwin", "arm64", "13.6", (3, 12), "macOS 13.6: .* from macOS 14 on"),
        ("Darwin", "x86_64", "14.5", (3, 12), "Intel processor"),
        ("Windows", "AMD64", "", (3, 12), "use WSL"),
        ("Linux", "x86_64", "", (3, 14), "Python 3.14 .*: expected 3.11 to 3.13. .*make PYTHON=python3.13"),
    ],
)
def test_every_machine_is_taken_or_refused_with_what_to_do(
    folder, monkeypatch, system, processor, release, version, why
):
    monkeypatch.setattr(can_install.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e10))
    found = can_install.refusal(system, processor, release, version, folder)
    assert re.search(why, found) if why else found == ""


def test_a_full_disk_is_refused(folder, monkeypatch) -> None:
    monkeypatch.setattr(can_install.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e9))
    assert "5.0 GB free, the environment needs 8.0" in can_install.refusal(
        "Linux", "x86_64", "", (3, 11), folder
    )
    assert can_install.refusal("Darwin", "arm64", "14.0", (3, 11), folder) == ""


def test_windows_is_refused_before_anything_else_is_imported() -> None:
    code = "import sys; sys.platform = 'win32'; import hypnos_pipeline.settings"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("HYPNOS runs on Linux and macOS. On Windows use WSL: https://")


def test_a_project_in_a_folder_with_a_space_runs_its_own_commands(folder: Path) -> None:
    programs = folder / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "kedro").write_text('#!/bin/sh\necho "own kedro: $@"\n')
    (programs / "kedro").chmod(0o755)
    (folder / ".venv/installed").touch()
    before = set(os.listdir(folder.parent))
    done = make(folder, "run")
    assert done.returncode == 0, done.stderr
    assert "own kedro: repro" in done.stdout
    assert set(os.listdir(folder.parent)) == before
