"""The rehearsal: ``conf/rehearsal`` in small parts and, opt-in, ``conf/paper`` itself in its true sizes."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.models.random import folder
from tests.end_to_end import paper_path
from tests.end_to_end.shrunken import make_project, run
from tests.hub.networks import SMALL, TRUE
from tests.hub.server import Hub, serving

METHODS = {"hypnos", "dreambooth_low_lr", "dreambooth_high_lr", "textual_inversion", "base"}
MINUTES, MEMORY, DISK = 60, 20e9, 35e9
"""Limits of the paper's path at true sizes: minutes of the processor, memory and disk in bytes."""


IN_SMALL = {
    "stable_diffusion_1_5": SMALL["text_to_image"],
    "dino_vits16": SMALL["dino"],
    "clip_vit_l14": SMALL["clip"],
    "clip_vit_b32": SMALL["clip_b32"],
}


def in_small_parts(study: dict[str, Any]) -> dict[str, Any]:
    """Returns the rehearsal at 64 px, its networks in a folder of the project's own."""
    models = {
        key: each | ({"folder": f"data/made/{key}"} if "random" in each else {})
        for key, each in study["models"].items()
    }
    return study | {"image_size": 64, "models": models, "runtime": study["runtime"] | {"threads": 1}}


def check_cells(project: Path) -> None:
    """Every method has its cells, with two images each, and all values are finite."""
    cells = pd.read_csv(project / "data/08_reporting/rehearsal/cells.csv")
    assert set(cells.method) == METHODS
    assert set(cells.prompt_set) == {
        "invariant", "varying", "backgrounds", "backgrounds_trained", "disentangle",
    }  # fmt: skip
    assert cells["mean"].abs().lt(math.inf).all()
    counts = cells.set_index(["prompt_set", "method", "metric"]).n
    assert (counts.loc[:, :, ["dino", "lpips"]] == 3 * 2).all()
    assert (counts.loc[:, :, ["clip_t", "clip_t_b32", "fid"]] == 2).all()


@pytest.mark.long
def test_the_path_runs_on_networks_that_the_run_makes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folder, "MAKERS", folder.MAKERS | IN_SMALL)
    project = make_project(tmp_path / "rehearsal", "rehearsal", in_small_parts)
    run(project, "rehearsal", pipeline_names=["full"])
    check_cells(project)
    curve = pd.read_csv(
        project / "data/07_model_output/rehearsal/lego_robot/learning_curves/hypnos.csv", index_col="step"
    )
    assert curve.loc[1, "loss_perceptual"] > 0
    assert curve.loc[2, "loss_perceptual"] == 0
    assert (curve["loss_discriminator"] > 0).all()


@pytest.fixture
def place(tmp_path) -> Iterator[Path]:
    """A folder whose 30 GB are not left lying about."""
    yield tmp_path / "rehearsal"
    shutil.rmtree(tmp_path / "rehearsal")


@pytest.mark.rehearsal
def test_the_papers_study_fits_the_machine_at_true_sizes(place) -> None:
    project = paper_path.empty_project(place / "project", 256)
    with serving() as hub:
        paper_path.publish(project, hub, TRUE, place / "hub")
        steps = [measured(project, hub, place, "models", "fetch")]
        shutil.rmtree(place / "hub")  # what was fetched is a copy
        steps += [
            measured(project, hub, place, *words) for words in (("doctor",), ("run", "--pipelines", "full"))
        ]
    paper_path.check_tables(project)
    samples = project / "data/07_model_output/paper/lego_robot/samples/hypnos/invariant"
    assert [Image.open(file).size for file in sorted(samples.glob("*.png"))] == [(256, 256)] * 2
    assert max(step.memory for step in steps) <= MEMORY
    assert max(step.disk for step in steps) <= DISK
    assert sum(step.minutes for step in steps) <= MINUTES


@dataclass(frozen=True)
class Measured:
    """What a command took: minutes of the processor, and at most how many bytes of memory and of disk."""

    minutes: float
    memory: int
    disk: int


def measured(project: Path, hub: Hub, place: Path, *words: str) -> Measured:
    """Runs a command of the paper's study, which prints as it goes, and measures it."""
    command = [sys.executable, "-m", "kedro", *words, "--env", "paper"]
    begun, disk = time.monotonic(), 0
    with subprocess.Popen(command, cwd=project, env=paper_path.environment(project, hub)) as running:
        while True:
            ended, status, usage = os.wait4(running.pid, os.WNOHANG)
            disk = max(disk, size(place))
            if ended:
                running.returncode = os.waitstatus_to_exitcode(status)
                break
            time.sleep(5)
    assert running.returncode == 0
    taken = Measured((usage.ru_utime + usage.ru_stime) / 60, usage.ru_maxrss * 1024, disk)
    wall = (time.monotonic() - begun) / 60
    print(f"kedro {words[0]}: {wall:.1f} minutes, {taken.minutes:.1f} of the processor")
    print(f"{taken.memory / 1e9:.1f} GB of memory, {taken.disk / 1e9:.1f} GB of disk", flush=True)
    return taken


def size(place: Path) -> int:
    """Bytes of all files below a folder, each once whatever its names; those that go away do not count."""
    found = dict[int, int]()
    for parent, _, names in os.walk(place):
        for name in names:
            try:
                state = os.lstat(os.path.join(parent, name))
                found[state.st_ino] = state.st_size
            except FileNotFoundError:
                continue
    return sum(found.values())
