"""A project whose study has run on one of its subjects."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from hypnos_pipeline.models.finetuned import FullFinetune, LearnedToken, save_finetuned
from tests.conftest import PROJECT_ROOT
from tests.tiny_models import save_tiny_text_to_image, tiny_text_to_image

STUDY = "conf/mini/parameters_study.yml"
MODELS = "data/06_models/mini/lego_robot"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose finetuned models are tiny random ones; the figurine has not been run."""
    import torch

    root = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(PROJECT_ROOT / "conf", root / "conf")
    (root / "src").mkdir()
    for name in ("pyproject.toml", ".telemetry", "dvc.yaml"):
        shutil.copy(PROJECT_ROOT / name, root / name)
    study = yaml.safe_load((root / STUDY).read_text())
    study["models"]["text_to_image"] = {"folder": "data/01_raw/models/tiny"}
    study["runtime"]["threads"] = 1
    study["image_size"] = 16
    study["sampling"] = {"steps": 2, "guidance": 3.0, "batch": 4}
    (root / STUDY).write_text(yaml.safe_dump(study, sort_keys=False))
    save_tiny_text_to_image(root / "data/01_raw/models/tiny")
    save_finetuned(FullFinetune(tiny_text_to_image(seed=5)), root / MODELS / "hypnos/finetuned")
    token = LearnedToken("<sks>", torch.linspace(-1, 1, 32), "robot")
    save_finetuned(token, root / MODELS / "textual_inversion/finetuned")
    return root
