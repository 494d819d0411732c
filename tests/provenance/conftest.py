"""A small study that DVC really ran, made once and copied for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.provenance.small_study import make, the_cell
from tests.shared import made_once


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory) -> Path:
    """The study, run and committed. Not to be changed."""
    # DVC's memory of hashes belongs to the test, not to the machine.
    os.environ["DVC_SITE_CACHE_DIR"] = str(tmp_path_factory.mktemp("dvc"))
    return made_once(tmp_path_factory, "recorded_study", make)


@pytest.fixture
def study(finished_study, tmp_path, monkeypatch) -> Path:
    """A copy of the finished study, to be changed; the current folder."""
    root = tmp_path / "study"
    shutil.copytree(finished_study, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def traced(study) -> Callable:
    """Traces the cell table 1, lego_robot, hypnos, dino of the study."""
    from hypnos_pipeline.provenance.trace import trace

    return lambda: trace(study, the_cell(study, "hypnos"))
