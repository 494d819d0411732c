"""A model folder that cannot be used, as its user meets it: one message, and exit status 1."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from hypnos_pipeline.commands.doctor import doctor
from tests.end_to_end.shrunken import make_project
from tests.model_cases import EVERY, Change, as_variant

MODEL, STUDY = Path("data/01_raw/models/mine"), Path("conf/mini/parameters_study.yml")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """A shrunken study whose text-to-image model is a folder of the user's own."""
    folder = make_project(tmp_path_factory.mktemp("case") / "project")
    for name in ("dvc.yaml", "requirements.lock"):
        shutil.copy(project_root / name, folder / name)
    (folder / "data/01_raw/models").unlink()
    shutil.copytree(project_root / "data/01_raw/models", folder / "data/01_raw/models")
    study = yaml.safe_load((folder / STUDY).read_text())
    study["models"]["text_to_image"] = {"folder": str(MODEL)}
    (folder / STUDY).write_text(yaml.safe_dump(study, sort_keys=False))
    return folder


def place(project: Path, change: Change) -> None:
    shutil.rmtree(project / MODEL, ignore_errors=True)
    shutil.copytree(project / "data/01_raw/models/mini/text_to_image", project / MODEL)
    change(project / MODEL)


def of_networks(answer: Result) -> list[dict[str, str]]:
    """The doctor's lines on networks; the machine's are not these tests'."""
    lines = json.loads(answer.stdout)
    return [line for line in lines if line["where"].startswith(("models.", "networks"))]


def ask_doctor(project: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(project)
    return CliRunner().invoke(doctor, ["--json"])


@pytest.mark.parametrize(
    "case", ["SDXL", "zero terminal SNR", "renamed weights", "NaN in the decoder", "a weight is missing"]
)
def test_the_doctor_names_it(project: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    place(project, EVERY[case][0])
    answer = ask_doctor(project, monkeypatch)
    assert answer.exit_code == 1
    (problem,) = [line for line in of_networks(answer) if line["status"] == "error"]
    assert problem["where"] == "models.text_to_image"
    assert problem["what"].startswith(f"{MODEL}/")
    assert problem["fix"] or re.search("(; get|: get both) ", problem["what"])


def test_the_doctor_accepts_half_precision(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(project, as_variant)
    answer = ask_doctor(project, monkeypatch)
    shown = {line["where"]: line for line in of_networks(answer)}
    assert "error" not in {line["status"] for line in shown.values()}
    assert shown["networks"]["what"] == "6 networks load: every weight is found, and is a number"


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("zero terminal SNR", "Nothing was run: 1 problem to fix."),  # by its configuration
        (  # by its weights
            "NaN in the decoder",
            f"figurine.class_prior.generate_class_prior: {MODEL}/vae/diffusion_pytorch_model.safetensors: 1",
        ),
    ],
)
def test_a_run_ends_with_one_message(project: Path, case: str, message: str) -> None:
    place(project, EVERY[case][0])
    command = [sys.executable, "-m", "kedro", "run", "--pipelines=class_prior"]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stderr.count(f"Error: {message}") == 1
    assert str(MODEL) in answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert not list(project.glob("data/0[2-8]*/mini/*/class_prior"))
