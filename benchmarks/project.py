"""A project folder of its own with a changed study of ``mini``; its code is the installed package's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.program import ROOT
from hypnos_pipeline.study.model import STUDY_FILE

Change = Callable[[dict[str, Any]], dict[str, Any]]


def make_project(folder: Path, change: Change, subjects: bool = True) -> Path:
    """Makes a project.

    Args:
        folder: Where; it may be there and must be empty.
        change: Returns the study to run from that of ``mini``.
        subjects: Whether the tracked subjects are there too.

    Returns:
        The folder.
    """
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "docs/findings.csv", folder / "docs/findings.csv")
    (folder / "src").mkdir()  # Kedro expects one
    raw = folder / "data/01_raw"
    raw.mkdir(parents=True)
    for name in ("models", "subjects", "truth") if subjects else ("models",):
        (raw / name).symlink_to(ROOT / "data/01_raw" / name)
    file = folder / "conf/mini" / STUDY_FILE
    study = change(yaml.safe_load(file.read_text(encoding="utf-8")))
    file.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return folder
