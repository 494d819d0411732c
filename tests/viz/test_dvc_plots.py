"""The page that ``dvc plots`` writes, looked at in a browser that reaches no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.viz.browser import NAMES, dumped, find_chromium, served

DVC_YAML = """
plots:
  - curve.csv: {x: step, y: loss, title: A curve}
  - Bars:
      template: bar_horizontal
      x: {cells.csv: dino}
      y: {cells.csv: entry}
"""


@pytest.mark.skipif(
    find_chromium() is None, reason=f"no browser to look with: none of {', '.join(NAMES)} is installed"
)
def test_charts_are_drawn_without_a_network(project_root, tmp_path: Path) -> None:
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    for name in ("config", "plots_page.html"):
        shutil.copy(project_root / ".dvc" / name, tmp_path / ".dvc" / name)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "curve.csv").write_text("step,loss\n1,0.5\n2,0.25\n3,0.125\n")
    (tmp_path / "cells.csv").write_text("entry,dino\nrobot hypnos,0.75\nrobot base,0.5\n")
    subprocess.run([*dvc, "plots", "show", "--out", "page"], cwd=tmp_path, check=True, capture_output=True)
    with served(tmp_path / "page") as address:
        page = dumped(f"{address}/index.html")
    for shown in ("A curve", "loss over step", "<polyline", "Bars", "robot hypnos", "0.75", "<rect"):
        assert shown in page
    assert "<script src" not in page
