"""A record made before modules and data moved stays usable: its code and photos come from git's history."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml

from tests.end_to_end.shrunken import PROJECT_ROOT
from tests.stages.project import STUDY, Project, shrink_to_two

BEFORE = "2843524246b25f94ac3de453b4c8c856f2fa87fa"
"""The last commit of the first layout: code in doctor/, checkpoints/ and the root, masks in judge/."""
CELL = (
    "--prompt-set",
    "backgrounds",
    "--subject",
    "figurine",
    "--method",
    "base",
    "--metric",
    "foreground_ssim",
)


@pytest.mark.long
def test_a_cell_is_reproduced_from_a_record_of_the_first_layout(tmp_path):
    known = subprocess.run(["git", "cat-file", "-e", BEFORE], cwd=PROJECT_ROOT, capture_output=True)
    if known.returncode:
        pytest.skip("this clone's history does not reach the first layout")
    study = Project(tmp_path / "study")
    subprocess.run(["git", "clone", "--quiet", str(PROJECT_ROOT), str(study.folder)], check=True)
    study.run("git", "checkout", "--quiet", BEFORE)
    file = study.folder / STUDY
    file.write_text(yaml.safe_dump(shrink_to_two(yaml.safe_load(file.read_text())), sort_keys=False))
    (study.folder / "dvc.lock").unlink()
    study.run("kedro", "run", "--pipeline=full")  # `make run`, as it was then
    study.run("dvc", "commit", "--force", "--quiet")
    study.commit("a record of the first layout")
    record = study.lock
    for name in ("src", "conf", "data/01_raw"):
        shutil.rmtree(study.folder / name)
    study.lay_checkout()
    study.commit("today's layout")
    assert study.lock == record
    assert "src/hypnos_pipeline/doctor" not in study.run("git", "ls-files").stdout
    trace = json.loads(study.run("kedro", "cell", "trace", *CELL, "--json").stdout)
    assert "data/01_raw/judge" in {each["path"] for each in trace["artefacts"]}
    assert "reproduced to the last digit" in study.run("kedro", "cell", "reproduce", *CELL).stdout
