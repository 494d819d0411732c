"""A finished study of two subjects: our stage names and layout, real git and DVC, commands of a few lines.

What the base model's stages make depends on photos, parameters and code, and on two variables of the
surroundings: ``PRETENDED_CPU`` names the machine in reports, ``NOISE`` is added to the samples. Each of them
notes its name and process in the file that ``NOTES`` names, and rests for a minute if ``RESTS`` is its name.
All other stages copy files.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypnos_pipeline.provenance.cells import Cell, read_cells, select
from hypnos_pipeline.provenance.hashes import on_disk

STUDY = "conf/mini/parameters_study.yml"
CELLS = "data/08_reporting/mini/cells.csv"
SCORES = "data/07_model_output/mini/lego_robot/scores/base.csv"
REPORT = "data/07_model_output/mini/lego_robot/evaluation_reports/base.json"
SAMPLES = "data/07_model_output/mini/lego_robot/samples/base"
PHOTOS = "data/01_raw/subjects/lego_robot"
MODEL = "data/01_raw/models/mini/net"
IMAGING = "src/hypnos_pipeline/imaging"
METRICS = "src/hypnos_pipeline/metrics"
MEAN = "0.512345678901234"
"""Mean of dino for every subject's hypnos; the base model's depends on its samples."""

PARAMETERS = f"""\
# the study
seed: 42
image_size: 3 # pixels
subjects:
  lego_robot: {{noun: robot}}
  chair: {{noun: chair}}
methods:
  hypnos: {{hypnos: {{learning_rate: 1.0e-5, steps: 4}}}}
  base: {{base: {{}}}}
prompt_sets: {{invariant: {{images: 2}}, varying: {{images: 2}}}}
evaluation: {{offset: {MEAN}, note: on, metrics: [dino, fid, kid]}}
runtime: {{device: cpu, threads: 1}}
models:
  text_to_image: {{folder: {MODEL}}}
"""

DVC_YAML = """\
vars:
  - env: mini
  - study: conf/mini/parameters_study.yml
  - net: data/01_raw/models/mini/net
  - photos: data/02_intermediate/mini
  - models: data/06_models/mini
  - output: data/07_model_output/mini
  - reporting: data/08_reporting/mini
stages:
  background_removal:
    matrix: {subject: [lego_robot, chair]}
    cmd: python -S -m hypnos_pipeline.imaging.square ${item.subject}
    deps: ["data/01_raw/subjects/${item.subject}", requirements.lock, src/hypnos_pipeline/imaging]
    params: ["${study}": [image_size, "subjects.${item.subject}"]]
    outs: ["${photos}/${item.subject}/working_photos"]
  class_prior:
    matrix: {subject: [lego_robot]}
    cmd: cp -r ${photos}/${item.subject}/working_photos data/03_primary/mini/${item.subject}/prior
    deps: ["${photos}/${item.subject}/working_photos"]
    outs: ["data/03_primary/mini/${item.subject}/prior"]
  finetune_hypnos:
    matrix: {subject: [lego_robot, chair], method: [hypnos]}
    cmd: >-
      cp -r ${photos}/${item.subject}/working_photos
      ${models}/${item.subject}/${item.method}/finetuned
    deps: ["${photos}/${item.subject}/working_photos", "${net}", src/hypnos_pipeline/imaging]
    params: ["${study}": ["methods.hypnos.${item.method}", models.text_to_image, runtime]]
    outs: ["${models}/${item.subject}/${item.method}/finetuned"]
  sampling_hypnos:
    matrix: {subject: [lego_robot, chair], method: [hypnos]}
    cmd: >-
      cp -r ${models}/${item.subject}/${item.method}/finetuned
      ${output}/${item.subject}/samples/${item.method}
    deps: [data/03_primary/mini/lego_robot/prior, "${models}/${item.subject}/${item.method}/finetuned"]
    outs: ["${output}/${item.subject}/samples/${item.method}"]
  sampling_base:
    matrix: {subject: [lego_robot, chair], method: [base]}
    cmd: python -S -m hypnos_pipeline.sample ${item.subject}
    deps: ["${photos}/${item.subject}/working_photos", src/hypnos_pipeline/sample.py]
    params: ["${study}": ["subjects.${item.subject}", "methods.base.${item.method}"]]
    outs: ["${output}/${item.subject}/samples/${item.method}"]
  evaluation:
    matrix: {subject: [lego_robot, chair], method: [hypnos, base]}
    cmd: >-
      python -S -m hypnos_pipeline.metrics.evaluate ${item.subject} ${item.method}
      --photos ${photos}/${item.subject}/working_photos
      --model ${net}
      --samples ${output}/${item.subject}/samples/${item.method}
      --scores ${output}/${item.subject}/scores/${item.method}.csv
      --report ${output}/${item.subject}/evaluation_reports/${item.method}.json
    deps:
      - ${photos}/${item.subject}/working_photos
      - ${output}/${item.subject}/samples/${item.method}
      - ${net}
      - src/hypnos_pipeline/metrics
    params: ["${study}": [evaluation, runtime]]
    outs:
      - ${output}/${item.subject}/scores/${item.method}.csv
      - ${output}/${item.subject}/evaluation_reports/${item.method}.json
  reporting:
    matrix: {subject: [lego_robot, chair]}
    cmd: >-
      awk 'NR == 1 || FNR > 1' ${output}/${item.subject}/scores/*
      > ${reporting}/subject_scores/${item.subject}.csv
    deps: ["${output}/${item.subject}/scores", "${output}/${item.subject}/samples"]
    outs: ["${reporting}/subject_scores/${item.subject}.csv"]
  reporting_study:
    cmd: awk 'NR == 1 || FNR > 1' ${reporting}/subject_scores/* > ${reporting}/cells.csv
    deps: ["${reporting}/subject_scores"]
    params: ["${study}": [methods]]
    outs: ["${reporting}/cells.csv": {cache: false}]
"""

FILES = {
    ".dvcignore": "__pycache__\n*.pyc\n",
    ".gitignore": "__pycache__\n/data/0[2-7]_*/\n/data/08_reporting/mini/subject_scores\n",
    "pyproject.toml": "[project]\nname = 'small'\n",
    "requirements.lock": "torch==2.14.1\n",
    "dvc.yaml": DVC_YAML,
    "conf/base/catalog.yml": "{}\n",
    STUDY: PARAMETERS,
    "conf/paper/parameters_study.yml": PARAMETERS,
    f"{MODEL}/config.json": "{}",
    f"{MODEL}/vae/weights.safetensors": "weights",
    **{
        f"data/01_raw/subjects/{subject}/{name}": f"{subject} {name}"
        for subject in ("lego_robot", "chair")
        for name in ("00.jpg", "01.jpg", "masks/00.png")
    },
    "src/hypnos_pipeline/__init__.py": "",
    "src/hypnos_pipeline/notes.py": """\
import os, time

def note(stage):
    with open(os.environ.get("NOTES", os.devnull), "a") as file:
        file.write(f"{stage} {os.getpid()} {__file__}\\n")
    if os.environ.get("RESTS") == stage:
        time.sleep(60)
""",
    f"{IMAGING}/__pycache__/square.pyc": "not content",
    f"{IMAGING}/square.py": """\
import re, shutil, sys
from pathlib import Path
from hypnos_pipeline.notes import note

note("background_removal")
photos = Path("data/02_intermediate/mini", sys.argv[1], "working_photos")
shutil.copytree(f"data/01_raw/subjects/{sys.argv[1]}", photos)
[size] = re.findall(r"image_size: (\\d+)", Path("conf/mini/parameters_study.yml").read_text())
(photos / "manifest.csv").write_text(size)
""",
    "src/hypnos_pipeline/sample.py": """\
import os, sys
from pathlib import Path
from hypnos_pipeline.notes import note

note("sampling_base")
photos = Path("data/02_intermediate/mini", sys.argv[1], "working_photos")
samples = Path("data/07_model_output/mini", sys.argv[1], "samples/base")
samples.mkdir(parents=True, exist_ok=True)
for photo in sorted(photos.glob("*.jpg")):
    content = photo.read_bytes() + (photos / "manifest.csv").read_bytes()
    value = sum(content) / 1000 + float(os.environ.get("NOISE", 0))
    (samples / f"{photo.stem}.csv").write_text(f"value\\n{value!r}\\n")
""",
    f"{METRICS}/dino.py": "def dino(samples, offset):\n    return offset + 0.3 * sum(samples)\n",
    f"{METRICS}/evaluate.py": """\
import json, os, re, sys
from pathlib import Path
from hypnos_pipeline.metrics.dino import dino
from hypnos_pipeline.notes import note

note("evaluation")
subject, method, *options = sys.argv[1:]
given = {option: Path(value) for option, value in zip(options[::2], options[1::2])}
[offset] = re.findall(r"offset: ([\\d.]+)", Path("conf/mini/parameters_study.yml").read_text())
samples = [float(path.read_text().split()[1]) for path in sorted(given["--samples"].glob("0*.csv"))]
for option in ("--scores", "--report"):
    given[option].parent.mkdir(parents=True, exist_ok=True)
given["--scores"].write_text(f'''\\
table,prompt_set,subject,method,metric,mean,std,std_images,n,paper
1,invariant,{subject},{method},dino,{dino(samples, float(offset))!r},0.25,,8,
2,varying,{subject},{method},fid,98.5,,,2,
''')
cpu, libraries = os.environ.get("PRETENDED_CPU", "A Processor"), {"torch": "2.14.1", "numpy": "2.3"}
machine = {"cpu": cpu, "device": "cpu", "threads": 1, "libraries": libraries}
networks = {"dino": {"id": "data/01_raw/models/mini/net", "revision": None, "sha256": "5a" * 32}}
given["--report"].write_text(json.dumps({"machine": machine, "networks": networks}))
""",
}


def make(root: Path) -> None:
    """Makes, runs and records the study, and commits it to git."""
    for path, text in FILES.items():
        write(root, path, text)
    outs = ("03_primary/mini/{}", "06_models/mini/{}/hypnos", "07_model_output/mini/{}/samples")
    for folder in (*outs, "08_reporting/mini/subject_scores"):  # copying creates no folders above
        for subject in ("lego_robot", "chair"):
            (root / "data" / folder.format(subject)).mkdir(parents=True, exist_ok=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    repro(root)
    commit(root, "the study")


def write(root: Path, path: str, content: str | bytes) -> None:
    """Writes a file anew, as DVC's cache may share the old one."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())


def replace(root: Path, path: str, *changes: str) -> None:
    """Replaces texts in a file: old, new, old, new …"""
    text = (root / path).read_text()
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    write(root, path, text)


def repro(root: Path, *arguments: str) -> None:
    """Runs ``dvc repro``."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-P", "-m", "dvc", "repro", "--quiet", *arguments]
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "PATH": path}
    subprocess.run(command, cwd=root, env=environment, check=True)


def git(root: Path, *arguments: str) -> str:
    """Runs git as a person without a configuration of their own, and returns what it prints."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commits everything and returns the commit's id."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


def the_cell(root: Path, method: str = "base", subject: str = "lego_robot") -> Cell:
    """Returns the cell of table 1 for dino."""
    [cell] = select(read_cells(root, "mini"), {"subject": subject, "method": method, "metric": "dino"})
    return cell


def md5_of(root: Path, path: str) -> str:
    """Returns DVC's hash of what lies on disk."""
    found = on_disk(root, path)
    assert found is not None
    return found.md5
