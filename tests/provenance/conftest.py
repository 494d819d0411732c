"""A small study that DVC really ran: its stages have our names and copy files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PARAMETERS = """\
seed: 42
subjects:
  lego_robot: {noun: robot}
  chair: {noun: chair}
methods:
  hypnos: {hypnos: {learning_rate: 1.0e-5, steps: 4}}
  base: {base: {}}
prompt_sets: {invariant: {images: 2}, varying: {images: 2}}
evaluation: {metrics: [dino, fid, kid]}
runtime: {device: cpu, threads: 1}
models:
  text_to_image: {folder: data/01_raw/models/mini/net}
"""

DVC_YAML = """\
vars:
  - env: mini
  - study: conf/mini/parameters_study.yml
stages:
  background_removal:
    matrix: {subject: [lego_robot, chair]}
    cmd: >-
      cp -r data/01_raw/subjects/${item.subject} data/02_intermediate/mini/${item.subject}/working_photos
      && echo square > data/02_intermediate/mini/${item.subject}/working_photos/manifest.csv
    deps:
      - data/01_raw/subjects/${item.subject}
      - requirements.lock
      - src/hypnos_pipeline/imaging
    params:
      - ${study}:
          - subjects.${item.subject}
    outs:
      - data/02_intermediate/mini/${item.subject}/working_photos
  class_prior:
    matrix: {subject: [lego_robot]}
    cmd: >-
      cp -r data/02_intermediate/mini/${item.subject}/working_photos
      data/03_primary/mini/${item.subject}/prior
    deps:
      - data/02_intermediate/mini/${item.subject}/working_photos
    outs:
      - data/03_primary/mini/${item.subject}/prior
  finetune_hypnos:
    matrix: {subject: [lego_robot, chair], method: [hypnos]}
    cmd: >-
      cp -r data/02_intermediate/mini/${item.subject}/working_photos
      data/06_models/mini/${item.subject}/${item.method}/finetuned
    deps:
      - data/02_intermediate/mini/${item.subject}/working_photos
      - data/01_raw/models/mini/net
      - src/hypnos_pipeline/imaging
    params:
      - ${study}:
          - methods.hypnos.${item.method}
          - models.text_to_image
          - runtime
    outs:
      - data/06_models/mini/${item.subject}/${item.method}/finetuned
  sampling_hypnos:
    matrix: {subject: [lego_robot, chair], method: [hypnos]}
    cmd: >-
      cp -r data/06_models/mini/${item.subject}/${item.method}/finetuned
      data/07_model_output/mini/${item.subject}/samples/${item.method}
    deps:
      - data/03_primary/mini/lego_robot/prior
      - data/06_models/mini/${item.subject}/${item.method}/finetuned
    outs:
      - data/07_model_output/mini/${item.subject}/samples/${item.method}
  sampling_base:
    matrix: {subject: [lego_robot, chair], method: [base]}
    cmd: >-
      cp -r data/01_raw/models/mini/net
      data/07_model_output/mini/${item.subject}/samples/${item.method}
    deps:
      - data/01_raw/models/mini/net
    outs:
      - data/07_model_output/mini/${item.subject}/samples/${item.method}
  evaluation:
    matrix: {subject: [lego_robot, chair], method: [hypnos, base]}
    cmd: >-
      cp src/hypnos_pipeline/metrics/report.json
      data/07_model_output/mini/${item.subject}/evaluation_reports/${item.method}.json
      && echo 1,invariant,${item.subject},${item.method},dino,0.512345678901234,0.25,0.125,8,
      > data/07_model_output/mini/${item.subject}/scores/${item.method}.csv
      && echo 2,varying,${item.subject},${item.method},fid,98.5,,,2,
      >> data/07_model_output/mini/${item.subject}/scores/${item.method}.csv
    deps:
      - data/02_intermediate/mini/${item.subject}/working_photos
      - data/07_model_output/mini/${item.subject}/samples/${item.method}
      - src/hypnos_pipeline/metrics
    params:
      - ${study}:
          - runtime
    outs:
      - data/07_model_output/mini/${item.subject}/scores/${item.method}.csv
      - data/07_model_output/mini/${item.subject}/evaluation_reports/${item.method}.json
  reporting:
    matrix: {subject: [lego_robot, chair]}
    cmd: >-
      cat data/07_model_output/mini/${item.subject}/scores/*
      > data/08_reporting/mini/subject_scores/${item.subject}.csv
    deps:
      - data/07_model_output/mini/${item.subject}/scores
      - data/07_model_output/mini/${item.subject}/samples
    outs:
      - data/08_reporting/mini/subject_scores/${item.subject}.csv
  reporting_study:
    cmd: >-
      (echo table,prompt_set,subject,method,metric,mean,std,std_images,n,paper
      && cat data/08_reporting/mini/subject_scores/*) > data/08_reporting/mini/cells.csv
    deps:
      - data/08_reporting/mini/subject_scores
    params:
      - ${study}:
          - methods
    outs:
      - data/08_reporting/mini/cells.csv
"""

REPORT = {
    "machine": {
        "cpu": "A Processor",
        "device": "cpu",
        "threads": 1,
        "libraries": {"torch": "2.14.1", "numpy": "2.3"},
    },
    "networks": {"dino": {"id": "data/01_raw/models/mini/net", "revision": None, "sha256": "5a" * 32}},
}

FILES = {
    "pyproject.toml": "",
    "requirements.lock": "torch==2.14.1\n",
    ".dvcignore": "__pycache__\n",
    ".gitignore": "/data/0[2-8]_*/\n__pycache__\n",
    "dvc.yaml": DVC_YAML,
    "conf/mini/parameters_study.yml": PARAMETERS,
    "conf/paper/parameters_study.yml": PARAMETERS,
    "src/hypnos_pipeline/imaging/square.py": "SIDE = 64\n",
    "src/hypnos_pipeline/imaging/__pycache__/square.pyc": "not content",
    "src/hypnos_pipeline/metrics/report.json": json.dumps(REPORT),
    "data/01_raw/models/mini/net/config.json": "{}",
    "data/01_raw/models/mini/net/vae/weights.safetensors": "weights",
    **{
        f"data/01_raw/subjects/{subject}/{name}": f"{subject} {name}"
        for subject in ("lego_robot", "chair")
        for name in ("00.jpg", "01.jpg", "masks/00.png")
    },
}

FOLDERS = (
    "02_intermediate/mini/{}",
    "03_primary/mini/{}",
    "06_models/mini/{}/hypnos",
    "07_model_output/mini/{}/samples",
    "07_model_output/mini/{}/scores",
    "07_model_output/mini/{}/evaluation_reports",
    "08_reporting/mini/subject_scores",
)
"""Copying creates no folders above."""


def git(root: Path, *arguments: str) -> str:
    """Runs git as a person without a configuration of their own."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write(root: Path, path: str, text: str) -> None:
    """Writes a file anew, as DVC's cache may share the old one."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory) -> Path:
    """The study, run and committed. Not to be changed."""
    from dvc.repo import Repo

    # DVC's memory of hashes belongs to the test, not to the machine.
    os.environ["DVC_SITE_CACHE_DIR"] = str(tmp_path_factory.mktemp("dvc"))
    root = tmp_path_factory.mktemp("finished") / "study"
    for path, text in FILES.items():
        write(root, path, text)
    for folder in FOLDERS:
        for subject in ("lego_robot", "chair"):
            (root / "data" / folder.format(subject)).mkdir(parents=True, exist_ok=True)
    git(root.parent, "init", "--quiet", str(root))
    with Repo.init(str(root)) as repo:
        before = Path.cwd()
        os.chdir(root)
        try:
            repo.reproduce()
        finally:
            os.chdir(before)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A finished study")
    return root


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
    from hypnos_pipeline.provenance.cells import read_cells, select
    from hypnos_pipeline.provenance.trace import trace

    def run(method: str = "hypnos"):
        words = {"table": "1", "subject": "lego_robot", "method": method, "metric": "dino"}
        [cell] = select(read_cells(study, "mini"), words)
        return trace(study, cell)

    return run
