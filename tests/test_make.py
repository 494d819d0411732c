"""What `make` does before it installs anything, and where it looks for what it installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


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
    settings.write_text(settings.read_text().replace(">=3.11,<3.13", ">=3.50,<3.52"))
    done = make(folder)
    assert done.returncode != 0
    assert "expected 3.50 to 3.51. Name one: make PYTHON=python3.51" in done.stderr
    assert not (folder / ".venv").exists()


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
