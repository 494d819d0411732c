"""The rehearsal: the paper's whole path on random networks, in small parts and, opt-in, in the true sizes."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.models.random import encoders, folder
from tests.end_to_end.shrunken import PROJECT_ROOT, make_project, run
from tests.tiny_models import SMALL_CLIP, TOWER, small_text_to_image

METHODS = {"hypnos", "dreambooth_low_lr", "dreambooth_high_lr", "textual_inversion", "base"}
MINUTES, MEMORY, DISK = 60, 20e9, 25e9
"""Limits of the true rehearsal on two CPU cores; memory and disk in bytes."""


def save_small_text_to_image(place: Path, seed: int) -> None:
    from hypnos_pipeline.models.text_to_image import save_text_to_image

    save_text_to_image(small_text_to_image(seed), place)


SMALL = {
    "stable_diffusion_1_5": save_small_text_to_image,
    "dino_vits16": lambda place, seed: encoders.save_random_vit(place, seed, encoders.DINO_VITS16 | TOWER),
    "clip_vit_l14": lambda place, seed: encoders.save_random_clip(place, seed, SMALL_CLIP),
    "clip_vit_b32": lambda place, seed: encoders.save_random_clip(place, seed, SMALL_CLIP),
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
    assert set(cells.prompt_set) == {"invariant", "varying", "backgrounds"}
    assert cells["mean"].abs().lt(math.inf).all()
    counts = cells.set_index(["prompt_set", "method", "metric"]).n
    assert (counts.loc[:, :, ["dino", "lpips"]] == 3 * 2).all()
    assert (counts.loc[:, :, ["clip_t", "clip_t_b32", "fid"]] == 2).all()


@pytest.mark.long
def test_the_path_runs_on_networks_that_the_run_makes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folder, "MAKERS", folder.MAKERS | SMALL)
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
def clone(tmp_path) -> Iterator[Path]:
    """A clone of what is committed; 20 GB are not left lying about."""
    place = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(PROJECT_ROOT), str(place)], check=True)
    yield place
    shutil.rmtree(place)


@pytest.mark.rehearsal
def test_the_true_sizes_fit_the_machine(clone) -> None:
    environment = os.environ | {"PYTHONPATH": str(clone / "src"), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "kedro", "run", "--env=rehearsal", "--pipeline=full"]
    begun, largest = time.monotonic(), 0
    with subprocess.Popen(command, cwd=clone, env=environment) as running:
        while True:
            ended, status, usage = os.wait4(running.pid, os.WNOHANG)
            largest = max(largest, size(clone / "data"))
            if ended:
                running.returncode = os.waitstatus_to_exitcode(status)
                break
            time.sleep(5)
    minutes, memory = (time.monotonic() - begun) / 60, usage.ru_maxrss * 1024
    print(f"{minutes:.0f} minutes, {memory / 1e9:.1f} GB of memory, {largest / 1e9:.1f} GB of disk")
    assert running.returncode == 0
    check_cells(clone)
    samples = clone / "data/07_model_output/rehearsal/lego_robot/samples/hypnos/invariant"
    assert [Image.open(file).size for file in sorted(samples.glob("*.png"))] == [(256, 256)] * 2
    assert memory <= MEMORY
    assert largest <= DISK
    assert minutes <= MINUTES


def size(place: Path) -> int:
    """Bytes of all files below a folder; those that go away meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(place):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total
