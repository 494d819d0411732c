"""``kedro mattes``: the sheet of a subject, and of a folder that is none yet, as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.conftest import PROJECT_ROOT

PHOTOS = "data/01_raw/subjects"
TRUTH = "data/01_raw/truth/lego_robot"
MADE = "data/02_intermediate/mini"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one subject's photos, masks beside them, and the same in a folder that is none."""
    root = tmp_path / "project"
    for name in ("conf", "data/01_raw/models/mini/matting", TRUTH):
        shutil.copytree(PROJECT_ROOT / name, root / name)
    for name in ("lego_robot", "my mug"):
        shutil.copytree(PROJECT_ROOT / PHOTOS / "lego_robot", root / PHOTOS / name)
        shutil.copytree(PROJECT_ROOT / TRUTH / "masks", root / PHOTOS / name / "masks")
    (root / "src").mkdir()
    for name in ("pyproject.toml", ".telemetry", "dvc.yaml"):
        shutil.copy(PROJECT_ROOT / name, root / name)
    return root


@pytest.fixture
def mattes(project, monkeypatch):
    """The command in that project."""
    from kedro.framework.startup import bootstrap_project

    monkeypatch.chdir(project)
    bootstrap_project(project)

    def call(*words: str):
        from hypnos_pipeline.cli import cli

        return CliRunner().invoke(cli, ["mattes", *words])

    return call


def test_it_runs_the_stage_of_a_subject_and_makes_the_sheet_alone_of_a_folder(project, mattes):
    answer = mattes("--subject", "lego_robot", "--subject", "my mug")
    assert answer.exit_code == 0, answer.output
    said = "4 photos, nothing looks wrong; see for yourself"
    sheets = [f"{MADE}/{name}/matte_sheet.png" for name in ("lego_robot", "my mug")]
    assert answer.stdout.splitlines() == [sheets[0], said, sheets[1], said]
    assert [file.name for file in (project / MADE / "my mug").iterdir()] == ["matte_sheet.png"]
    report = json.loads((project / MADE / "lego_robot/matte_report.json").read_text())
    assert [row["backend"] for row in report] == ["provided"] * 4
    assert (project / sheets[1]).read_bytes() == (project / sheets[0]).read_bytes()


def test_it_names_what_looks_wrong_and_the_fix(project, mattes):
    mask = project / PHOTOS / "my mug/masks/02.png"
    dot = Image.new("L", Image.open(mask).size)
    dot.paste(255, (200, 200, 230, 230))
    dot.save(mask)
    answer = mattes("-s", "my mug")
    assert answer.exit_code == 0, answer.output
    assert "1 of 4 mattes looks wrong" in answer.stdout
    assert "  02: covers 0.3% of the photo, less than 2%\nFix: look at the sheet; put a mask" in answer.stdout


def test_an_unknown_name_is_refused_with_those_that_are_known(mattes):
    answer = mattes("-s", "lego_robt")
    assert answer.exit_code == 1
    assert "no such subject or folder; expected lego_robot, or another one of figurine," in answer.stderr
    assert "my mug" in answer.stderr
