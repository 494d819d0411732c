"""Safety: runs killed in the middle of a save, two runs at once, and a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hypnos_pipeline.running.run_lock import FOLDER, RunLock
from hypnos_pipeline.storage.made_once import PRIORS
from tests.end_to_end.killed import run_apart
from tests.end_to_end.shrunken import PROJECT_ROOT, hashes, make_project, shrink
from tests.stages.project import Project, environment

LAYERS = "data/0[2-8]_*"
STAGES = [
    "background_removal",
    "augmentation",
    "class_prior",
    "discriminator",
    "finetune",
    "sampling",
    "evaluation",
    "reporting",
]


def smaller(study: dict[str, Any]) -> dict[str, Any]:
    """One method that trains a whole model, one that learns a token, and the base model."""
    small = shrink(study)
    small["methods"]["dreambooth"] = {}
    return small


def running(project: Path) -> list[Path]:
    return list((project / FOLDER).rglob("run_*"))


# Each of these writes in a way of its own: folders of images, models, files of every format.
QUICK = ("augmentation", "finetune", "sampling", "reporting")
KILLED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in STAGES]

# Arms the process of one stage that `dvc repro` starts.
ARMED = """
import sys
if "--pipelines=augmentation" in sys.orig_argv:
    sys.path.insert(0, {root!r})
    from tests.end_to_end.killed import die_at
    die_at(60, group=True)
"""


def with_states(project: Path) -> Path:
    """Lets the project's runs save a state after every step."""
    checkpoints = {"folder": "data/checkpoints", "every_seconds": None, "every_steps": 1}
    file = project / "conf/mini/parameters_checkpoints.yml"
    file.write_text(yaml.safe_dump({"checkpoints": checkpoints}))
    return project


def states(project: Path) -> list[Path]:
    return list((project / "data/checkpoints").glob("*/step_*"))


def targets(events: list[Path]) -> set[Path]:
    """What a stage's saves were to replace, but for states of its run and what stages share."""
    found = set()
    for path in events:
        if {"checkpoints", PRIORS.name} & set(path.parts):
            continue
        partial = next(each for each in (path, *path.parents) if ".partial" in each.name)
        found.add(partial.with_name(partial.name[1:].replace(".partial", "", 1)))
    return found


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A finished study, its hashes, and what the events of each stage's saves were about."""
    folder = tmp_path_factory.mktemp("safety")
    project = with_states(make_project(folder / "study", change=smaller))
    code, events = run_apart(project, folder / "log", STAGES)
    assert code == 0, (folder / "log").read_text()[-3000:]
    return project, hashes(project, LAYERS), events


@pytest.mark.parametrize("stage", KILLED)
def test_a_killed_stage_is_made_again_whole(study, tmp_path, stage):
    project, undisturbed, events = study
    draw = random.Random(stage)
    if draw.random() < 0.5:  # as DVC does before it runs a stage
        for target in targets(events[stage]):
            shutil.rmtree(target) if target.is_dir() else target.unlink()
    shutil.rmtree(project / PRIORS, ignore_errors=True)  # so that the class prior is sampled, and kept, again
    code, _ = run_apart(project, tmp_path / "log", [stage], draw.randint(1, len(events[stage])))
    assert code == -signal.SIGKILL, (tmp_path / "log").read_text()[-3000:]
    assert len(running(project)) == 1
    visible = {name: digest for name, digest in hashes(project, LAYERS).items() if "/." not in name}
    assert visible.items() <= undisturbed.items()
    code, _ = run_apart(project, tmp_path / "log", [stage])
    assert code == 0, (tmp_path / "log").read_text()[-3000:]
    assert hashes(project, LAYERS) == undisturbed
    assert running(project) == []
    assert states(project) == []


def test_a_finetuning_killed_while_it_saves_a_state_goes_on(study, tmp_path):
    project, undisturbed, events = study
    saves = [number for number, path in enumerate(events["finetune"], 1) if "checkpoints" in path.parts]
    code, _ = run_apart(project, tmp_path / "log", ["finetune"], saves[len(saves) // 4])
    assert code == -signal.SIGKILL, (tmp_path / "log").read_text()[-3000:]
    assert len(states(project)) == 1
    code, _ = run_apart(project, tmp_path / "log", ["finetune"])
    assert code == 0, (tmp_path / "log").read_text()[-3000:]
    assert "going on from a saved state" in (tmp_path / "log").read_text()
    assert hashes(project, LAYERS) == undisturbed
    assert states(project) == []


def kedro_run(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kedro", "run", "--env=mini", *options]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_second_of_two_runs_is_refused(study):
    project, undisturbed, _ = study
    first = RunLock(project / FOLDER / "mini", set(), {"figurine.fakes"})
    try:
        second = kedro_run(project, "--pipelines=augmentation", "--namespaces=figurine")
    finally:
        first.release()
    assert second.returncode == 1
    said = " ".join((second.stdout + second.stderr).split())
    assert f"Nothing was run: process {os.getpid()} is at work on figurine.fakes" in said
    assert hashes(project, LAYERS) == undisturbed


def test_a_full_disk_costs_nothing_finished(study, tmp_path):
    project, undisturbed, _ = study
    folder = project / "data/03_primary/mini/figurine"
    finished = tmp_path / "finished"
    shutil.copytree(folder, finished)
    size = sum(file.stat().st_size // 4096 * 4096 + 8192 for file in finished.rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"mounting a small disk needs more rights: {mounted.stderr.strip()}")
    try:
        shutil.copytree(finished, folder, dirs_exist_ok=True)
        ballast = folder / "ballast"
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"0" * size)
        code, _ = run_apart(project, tmp_path / "log", ["augmentation"])
        ballast.unlink()
        left = hashes(project, LAYERS)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert code == 1
    said = " ".join((tmp_path / "log").read_text().split())
    assert "could not be saved: no space left on device" in said
    assert left == undisturbed


def leftovers(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in (folder / "data").rglob(".*")]


def test_a_killed_dvc_repro_is_finished_by_the_next(study, tmp_path):
    project = Project.make(tmp_path / "project")
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(ARMED.format(root=str(PROJECT_ROOT)))
    killed = subprocess.run(
        ["dvc", "repro", "augmentation@figurine"],
        cwd=project.folder,
        env=environment() | {"PYTHONPATH": str(site)},
        capture_output=True,
        start_new_session=True,  # or this process would be killed with it
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stdout.decode()[-3000:]
    left = [*leftovers(project.folder), "data/07_model_output/mini/figurine/samples/.hypnos.old"]
    assert len(left) > 1
    assert project.run("dvc", "check-ignore", *left).stdout.split() == left
    project.run("dvc", "repro", "augmentation@figurine")
    said = project.run("dvc", "status", "background_removal@figurine", "augmentation@figurine").stdout
    assert said == "Data and pipelines are up to date.\n"
    assert leftovers(project.folder) == []
    assert hashes(project.folder, LAYERS).items() <= study[1].items()
