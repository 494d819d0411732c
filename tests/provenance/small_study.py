"""A finished study of one subject: our stage names and layout, real git and DVC, commands of a few lines.

What a stage makes depends on its photos, model, parameters and code, and on two variables of the
surroundings: ``PRETENDED_CPU`` names the machine in reports, ``NOISE`` is added to the samples. Each stage
notes its name and process in the file that ``NOTES`` names, and rests for a minute if ``RESTS`` is its name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hypnos_pipeline.provenance.cells import Cell, read_cells

STUDY = "conf/mini/parameters_study.yml"
CELLS = "data/08_reporting/mini/cells.csv"
SCORES = "data/07_model_output/mini/lego_robot/scores/base.csv"
REPORT = "data/07_model_output/mini/lego_robot/evaluation_reports/base.json"
SAMPLES = "data/07_model_output/mini/lego_robot/samples/base"
PHOTOS = "data/01_raw/subjects/lego_robot"
MODEL = "data/01_raw/models/mini/dino"
IMAGING = "src/hypnos_pipeline/imaging"
METRICS = "src/hypnos_pipeline/metrics"

FILES = {
    ".dvcignore": "__pycache__\n*.pyc\n",
    ".gitignore": "__pycache__\n/data/0[2-8]_*/\n",
    "pyproject.toml": "[project]\nname = 'small'\n",
    "requirements.lock": "numpy==2\n",
    "conf/base/catalog.yml": "{}\n",
    STUDY: """\
# the study
image_size: 3 # pixels
evaluation: {offset: 0.25, note: on}
methods:
  base: {base: {}}
  hypnos: {hypnos: {steps: 2}}
subjects:
  lego_robot: {noun: robot}
""",
    f"{PHOTOS}/a.jpg": "photo a\n",
    f"{PHOTOS}/b.jpg": "photo b\n",
    f"{PHOTOS}/masks/a.png": "mask\n",
    f"{MODEL}/weights.bin": "model\n",
    "src/hypnos_pipeline/__init__.py": "",
    "src/hypnos_pipeline/notes.py": """\
import os, time

def note(stage):
    with open(os.environ.get("NOTES", os.devnull), "a") as file:
        file.write(f"{stage} {os.getpid()} {__file__}\\n")
    if os.environ.get("RESTS") == stage:
        time.sleep(60)
""",
    f"{IMAGING}/__init__.py": "",
    f"{IMAGING}/square.py": """\
from pathlib import Path
from hypnos_pipeline.notes import note

note("background_removal")
target = Path("data/02_intermediate/mini/lego_robot/working_photos")
target.mkdir(parents=True, exist_ok=True)
size = [line.split()[1] for line in open("conf/mini/parameters_study.yml") if line.startswith("image_size")]
for photo in sorted(Path("data/01_raw/subjects/lego_robot").glob("*.jpg")):
    (target / photo.name).write_text(photo.read_text() + size[0])
""",
    "src/hypnos_pipeline/sample.py": """\
import os, sys
from pathlib import Path
from hypnos_pipeline.notes import note

method = sys.argv[1]
note(f"sampling_{method}")
target = Path(f"data/07_model_output/mini/lego_robot/samples/{method}")
target.mkdir(parents=True, exist_ok=True)
for photo in sorted(Path("data/02_intermediate/mini/lego_robot/working_photos").iterdir()):
    value = sum(photo.read_bytes()) / 1000 + float(os.environ.get("NOISE", 0))
    (target / f"{photo.stem}.csv").write_text(f"value\\n{value!r}\\n")
""",
    f"{METRICS}/__init__.py": "",
    f"{METRICS}/dino.py": "def dino(value, model, offset):\n    return value * 0.3 + len(model) + offset\n",
    f"{METRICS}/evaluate.py": """\
import json, os, sys
from pathlib import Path
from hypnos_pipeline.metrics.dino import dino
from hypnos_pipeline.notes import note

method = sys.argv[1]
note(f"evaluation_{method}")
lines = open("conf/mini/parameters_study.yml").read().replace("}", ",").split(",")
[offset] = [float(line.split("offset:")[1]) for line in lines if "offset:" in line]
model = Path("data/01_raw/models/mini/dino/weights.bin").read_text()
output = Path("data/07_model_output/mini/lego_robot")
samples = [float(path.read_text().split()[1]) for path in sorted((output / f"samples/{method}").iterdir())]
values = [dino(value, model, offset) for value in samples]
row = f"invariant,lego_robot,{method},dino,{sum(values)!r},0.1,,{len(values)}"
(output / "scores").mkdir(exist_ok=True)
(output / "scores" / f"{method}.csv").write_text(
    f"prompt_set,subject,method,metric,mean,std,std_images,n\\n{row}\\n"
)
machine = {"cpu": os.environ.get("PRETENDED_CPU", "this one"), "libraries": {"torch": "2"}}
(output / "evaluation_reports").mkdir(exist_ok=True)
(output / "evaluation_reports" / f"{method}.json").write_text(json.dumps({"machine": machine}))
""",
    "src/hypnos_pipeline/report.py": """\
from pathlib import Path
from hypnos_pipeline.notes import note

note("reporting")
target = Path("data/08_reporting/mini")
target.mkdir(parents=True, exist_ok=True)
scores = sorted(Path("data/07_model_output/mini/lego_robot/scores").iterdir())
rows = [path.read_text().splitlines()[1] for path in scores]
head = "table,prompt_set,subject,method,metric,mean,std,std_images,n,paper"
(target / "cells.csv").write_text("\\n".join([head, *(f"1,{row}," for row in rows)]) + "\\n")
""",
}


def _dvc_yaml() -> str:
    """Returns the stages, both methods written out as our matrix would name them."""
    text = f"""\
vars:
  - env: mini
stages:
  background_removal:
    foreach: [lego_robot]
    do:
      cmd: python -S -m hypnos_pipeline.imaging.square
      deps: [{PHOTOS}, requirements.lock, {IMAGING}]
      params:
        - {STUDY}: [image_size]
      outs: [data/02_intermediate/mini/lego_robot/working_photos]
"""
    for method in ("base", "hypnos"):
        output = "data/07_model_output/mini/lego_robot"
        text += f"""\
  sampling_{method}:
    foreach: [lego_robot-{method}]
    do:
      cmd: python -S -m hypnos_pipeline.sample {method}
      deps: [data/02_intermediate/mini/lego_robot/working_photos, src/hypnos_pipeline/sample.py]
      params:
        - {STUDY}: [subjects.lego_robot, methods.{method}.{method}]
      outs: [{output}/samples/{method}]
  evaluation_{method}:
    foreach: [lego_robot-{method}]
    do:
      cmd: python -S -m hypnos_pipeline.metrics.evaluate {method}
      deps: [{output}/samples/{method}, {MODEL}, {METRICS}]
      params:
        - {STUDY}: [evaluation]
      outs: [{output}/scores/{method}.csv, {output}/evaluation_reports/{method}.json]
"""
    return (
        text
        + f"""\
  reporting_study:
    cmd: python -S -m hypnos_pipeline.report
    deps: [data/07_model_output/mini/lego_robot/scores]
    outs: [{CELLS}]
"""
    )


_made: list[Path] = []


def small_study(folders: pytest.TempPathFactory, root: Path) -> Path:
    """Makes a copy of the finished study at ``root``, its history and cache too."""
    if not _made:
        _made.append(_make(folders.mktemp("small_study")))
    shutil.copytree(_made[0], root, symlinks=True)
    return root


def _make(root: Path) -> Path:
    """Makes, runs and records the study, and commits it to git."""
    for path, text in (FILES | {"dvc.yaml": _dvc_yaml()}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "init", "--quiet", "--initial-branch=main")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    repro(root)
    commit(root, "the study")
    return root


def repro(root: Path, *arguments: str) -> None:
    """Runs ``dvc repro``."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "PATH": path}
    subprocess.run(
        [sys.executable, "-P", "-m", "dvc", "repro", "--quiet", *arguments],
        cwd=root,
        env=environment,
        check=True,
    )


def git(root: Path, *arguments: str) -> str:
    """Runs git and returns what it prints."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commits everything and returns the commit's id."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


def the_cell(root: Path, method: str = "base") -> Cell:
    """Returns a cell of the study."""
    [cell] = [cell for cell in read_cells(root, "mini") if cell.method == method]
    return cell


def snapshot(root: Path) -> dict[str, bytes]:
    """Returns every file below ``root``, git's and DVC's own too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
