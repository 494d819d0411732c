"""``conf/paper`` from an empty folder to its tables, with all of its networks on a hub of this machine.

The study is the paper's own file with smaller numbers: sizes, steps, counts, and the digests of single files.
What the hub serves has the published layouts (tests/hub/layouts.py) at the commits that the study pins.
"""

from __future__ import annotations

import copy
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import yaml

from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.storage.hashing import file_digest
from tests.end_to_end.shrunken import PROJECT_ROOT, make_project
from tests.hub.contents import is_large
from tests.hub.layouts import LAYOUTS
from tests.hub.networks import Maker
from tests.hub.server import Hub

STUDY = "conf/paper/parameters_study.yml"
TABLES = ("table_1_prompt_invariant", "table_2_prompt_varying", "table_invariant_minus_varying")
IMAGES = 2
"""Of every prompt set: the fewest that KID is defined for."""


def shortened(study: dict[str, Any], image_size: int) -> dict[str, Any]:
    """Returns the paper's study with one subject, three photos, two steps of everything, and few images."""
    small = copy.deepcopy(study)
    small["image_size"] = image_size
    small["subjects"] = {"lego_robot": small["subjects"]["lego_robot"] | {"exclude": ["03"]}}
    for family in small["methods"].values():
        for method in family.values():
            if "steps" in method:
                method |= {"steps": 2, "previews": method["previews"] | {"every": 2, "images": 1, "steps": 2}}
            if "perceptual" in method:
                method["perceptual"]["steps"] = 1  # Eq. 6: acts in the first step only
                method["gradient_log_every"] = 1
    for prompts in small["prompt_sets"].values():
        prompts["images"] = IMAGES
    small["augmentation"] |= {"recoloured": 1, "resized": 1, "altered": 1}
    small["class_prior"]["count"] = 4
    small["discriminator"] |= {"steps": 2}
    small["sampling"] |= {"steps": 2, "batch": 2}
    small["runtime"]["threads"] = 1
    small["background_removal"]["options"] |= {"size": 64, "threads": 1}
    return small


def empty_project(folder: Path, image_size: int) -> Path:
    """Makes a project with the shortened study and no network at all."""
    make_project(folder, "paper", lambda study: shortened(study, image_size))
    shutil.copy(PROJECT_ROOT / "dvc.yaml", folder / "dvc.yaml")
    (folder / "data/01_raw/models").unlink()
    return folder


def publish(project: Path, hub: Hub, makers: Mapping[str, Maker], place: Path) -> None:
    """Fills the hub with every network of a project's study, and writes single files' digests into it."""
    study = yaml.safe_load((project / STUDY).read_text())
    for key, reference in study["models"].items():
        makers[key](place / "made" / key, 42)
        LAYOUTS[key].write(place / "made" / key, place / key)
        shutil.rmtree(place / "made" / key)
        files = files_of(place / key)
        if "hub" in reference:
            hub.publish(reference["hub"], files, reference["revision"])
        else:
            (file,) = files.values()
            address = urlsplit(reference["url"])
            hub.release(f"/{address.netloc}{address.path}", file)
        for pin in ("sha256", "sha512"):  # of the one file that is no text
            if pin in reference:
                (digest,) = (file_digest(file, pin) for name, file in files.items() if is_large(name))
                reference[pin] = digest
    (project / STUDY).write_text(yaml.safe_dump(study, sort_keys=False))


def kedro(project: Path, hub: Hub, *words: str) -> str:
    """Runs a command of the paper's study as a user does; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *words, "--env", "paper"],
        cwd=project,
        env=environment(project, hub),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"kedro {' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(project: Path, hub: Hub) -> dict[str, str]:
    """The variables by which every download comes from the hub on this machine."""
    setting = {"HF_ENDPOINT": hub.address, "HYPNOS_RELEASES": hub.address}
    setting |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    return {**os.environ, **setting, "HF_HOME": str(project / "hub_home")}


def check_tables(project: Path) -> None:
    """Every cell is there and finite, with the paper's values beside it, and the tables are written."""
    study = yaml.safe_load((project / STUDY).read_text())
    results = project / "data/08_reporting/paper"
    cells = pd.read_csv(results / "cells.csv")
    assert cells["mean"].abs().lt(math.inf).all()
    assert set(cells.method) == {name for family in study["methods"].values() for name in family}
    assert set(cells.prompt_set) == set(study["prompt_sets"])
    unseen = set(study["evaluation"]["metrics"]) - set(cells.metric)
    assert unseen <= {"scene_obeyed", "disentangled"}, unseen  # random networks may cut out nothing, or all
    sampled = cells.set_index(["prompt_set", "metric"]).n
    assert (sampled.loc[:, ["clip_t", "clip_t_b32", "fid", "fid_64"]] == IMAGES).all()
    of_paper = cells[cells.table.notna() & (cells.method != "base")]
    printed = {"dino", "clip_i", "clip_t_paper", "fid_64", "ssim", "psnr", "lpips"}
    assert of_paper[of_paper.metric.isin(printed)].paper.notna().all()
    for table in TABLES:
        for kind in ("md", "tex"):
            text = (results / f"{table}.{kind}").read_text()
            assert "HYPNOS" in text
            assert "nan" not in text.lower()
