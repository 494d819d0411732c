"""dvc.yaml and the Kedro pipelines are one truth, in every environment."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import PROJECT_ROOT
from tests.stages.agreement import disagreements

ENVIRONMENTS = sorted(file.parent.name for file in PROJECT_ROOT.glob("conf/*/parameters_study.yml"))
HEAD = "  - env: mini\n  - study: conf/mini/parameters_study.yml\n  - conf/mini/parameters_study.yml\n"
MOST_STAGES = 60


@pytest.fixture
def project(tmp_path) -> Path:
    """As much of the checkout as pipelines and dvc.yaml are read from."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "conf", folder / "conf")
    (folder / ".dvc").mkdir()
    (folder / "src").mkdir()
    (folder / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    for name in ("pyproject.toml", "dvc.yaml", ".dvcignore"):
        shutil.copy(PROJECT_ROOT / name, folder / name)
    return folder


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old!r} is not in {file.name}"
    file.write_text(text.replace(old, new))


def choose(project: Path, env: str) -> None:
    """Changes the head of dvc.yaml, and nothing else, to another environment."""
    replace(project / "dvc.yaml", HEAD, HEAD.replace("mini", env))


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_stage_names_what_its_slice_reads_and_writes(project, env):
    choose(project, env)
    assert disagreements(project, env) == []


def test_subjects_and_methods_are_one_entry_each(project):
    """Another environment, with entries that the default one lacks, needs another head and no other line."""
    study = yaml.safe_load((project / "conf/mini/parameters_study.yml").read_text())
    study["subjects"]["mug"] = {**study["subjects"]["lego_robot"], "noun": "mug", "photos": "rattan_chair"}
    study["methods"]["hypnos"]["hypnos_plain"] = {"learning_rate": 1.0e-4, "steps": 8}
    study["methods"]["base"] = {}
    (project / "conf/other").mkdir()
    (project / "conf/other/globals.yml").write_text("env: other\n")
    (project / "conf/other/parameters_study.yml").write_text(yaml.safe_dump(study))
    choose(project, "other")
    assert disagreements(project, "other") == []


def test_stages_are_few_and_named_by_the_contract(project):
    from dvc.repo import Repo

    names = [stage.name for stage in Repo(str(project)).index.stages]
    pattern = re.compile(r"[a-z_]+@[a-z][a-z0-9_]*(-[a-z][a-z0-9_]*)?|reporting[a-z_]*")
    assert [name for name in names if not pattern.fullmatch(name)] == []
    assert len(names) <= MOST_STAGES


def test_no_stage_names_an_environment(project):
    head, _, stages = (project / "dvc.yaml").read_text().partition("\nstages:")
    assert HEAD in head
    assert "mini" not in stages


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "/fakes\n      - data/03_primary/${env}/${item.subject}/class_prior\n",
            "/class_prior\n",
            "discriminator@figurine: dependency data/03_primary/mini/figurine/fakes is missing",
        ),
        (
            "      - ${models.perceptual.folder}\n",
            "",
            "finetune_hypnos@lego_robot-hypnos: dependency data/01_raw/models/mini/efficientnet is missing",
        ),
        (
            "          - augmentation\n",
            "",
            "augmentation@rattan_chair: parameter augmentation is missing",
        ),
        (
            "          - methods.hypnos.${item.method}\n",
            "          - methods.hypnos\n",
            "finetune_hypnos@figurine-hypnos: parameter methods.hypnos is not the slice's",
        ),
        (
            "/pool\n      - data/03_primary/${env}/${item.subject}/fakes\n    plots",
            "/pool\n    plots",
            "augmentation@figurine: output data/03_primary/mini/figurine/fakes is missing",
        ),
        (
            "      - data/07_model_output/${env}/${item.subject}/scores\n",
            "      - data/07_model_output/${env}/${item.subject}/pairs\n",
            "reporting@figurine: dependency data/07_model_output/mini/figurine/scores/hypnos.csv is missing",
        ),
        (
            "      - src/hypnos_pipeline/metrics\n",
            "",
            "evaluation_base@figurine-base: code src/hypnos_pipeline/metrics/psnr.py is imported but missing",
        ),
        (
            "      - src/hypnos_pipeline/training/settings.py\n",
            "      - src/hypnos_pipeline/training/settings.py\n      - src/hypnos_pipeline/metrics\n",
            "sampling_hypnos@figurine-hypnos: code src/hypnos_pipeline/metrics is not imported",
        ),
        (
            "      - requirements.lock\n",
            "",
            "class_prior@lego_robot: dependency requirements.lock is missing",
        ),
        (
            "--pipelines=reporting --tags=study",
            "--pipelines=reporting --tags=studies",
            "collect_study_cells: run by no stage",
        ),
    ],
)  # fmt: skip
def test_a_fault_in_dvc_yaml_is_named(project, old, new, fault):
    replace(project / "dvc.yaml", old, new)
    assert fault in disagreements(project, "mini")
