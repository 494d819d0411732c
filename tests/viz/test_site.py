"""The static site of a finished shrunken study, looked at in a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.viz.browser import NAMES, find_chromium, look_at, served

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason=f"no browser to look with: none of {', '.join(NAMES)} is installed"
)

SUBJECT = "figurine"
LAYERS = [
    "01_raw", "02_intermediate", "03_primary", "04_feature", "06_models", "07_model_output", "08_reporting",
]  # fmt: skip
NOWHERE = "http://127.0.0.1:9"
"""A proxy that answers nobody: kedro-viz asks the package index for its newest version."""


@dataclass
class Site:
    """The built site and where it is served."""

    folder: Path
    address: str

    def page(self, **wish: str) -> str:
        return f"{self.address}/?" + "&".join(f"{name}={value}" for name, value in wish.items())

    def id_of(self, dataset: str) -> str:
        nodes = json.loads((self.folder / "api/pipelines/full").read_text())["nodes"]
        return next(node["id"] for node in nodes if node["name"] == dataset)


@pytest.fixture(scope="module")
def site(shrunken_study) -> Iterator[Site]:
    kedro = Path(sys.executable).with_name("kedro")
    subprocess.run(
        [kedro, "viz", "build", "--include-previews"],
        cwd=shrunken_study,
        env=os.environ | {"HTTPS_PROXY": NOWHERE, "KEDRO_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        check=True,
        timeout=600,
    )
    with served(shrunken_study / "build") as address:
        yield Site(shrunken_study / "build", address)


def test_collapsed_the_study_reads_at_a_glance(site):
    shown = look_at(site.page(pid="full"))
    assert shown.nodes["modularPipeline"] == {SUBJECT}
    assert "parameters" not in shown.nodes
    loose = {name for name in shown.nodes["data"] if "." in name}
    handed_out = ("page", "scores", "backgrounds", "figures", "image_values", "photos")
    assert loose == {f"{SUBJECT}.{name}" for name in ("photos", *(f"subject_{each}" for each in handed_out))}
    assert shown.nodes["task"] == {
        "collect_study_cells",
        "write_tables",
        "write_backgrounds",
        "write_study_page",
        "draw_loss_curve",
        "draw_prompt_grammar",
        "join_photos",
        "weigh_expectations",
    }
    assert shown.layers == ["01_raw", "08_reporting"]


def test_expanded_every_layer_is_named_and_every_stage_is_there(site):
    shown = look_at(site.page(pid="full", expandAllPipelines="true"))
    assert shown.layers == LAYERS
    assert {"remove_background", "build_pool", "generate_class_prior", "finetune", "evaluate"} <= shown.nodes[
        "task"
    ]
    assert {f"{SUBJECT}.pool", f"{SUBJECT}.hypnos.samples"} <= shown.nodes["data"]


@pytest.mark.parametrize("dataset", ["photos", "hypnos.sample_sheet"])
def test_a_chosen_picture_is_shown(site, dataset):
    shown = look_at(site.page(pid="full", expandAllPipelines="true", sid=site.id_of(f"{SUBJECT}.{dataset}")))
    assert len(shown.pictures) == 1
    assert shown.pictures[0].startswith("data:image/png;base64,iVBOR")


def test_a_chosen_table_is_shown(site):
    assert look_at(site.page(pid="full", sid=site.id_of("table_1_md"))).tables == 1


@pytest.mark.parametrize(
    ("kind", "datasets"),
    [
        ("ImagePreview", ["matte_sheet", "pool_sheet", "class_prior_sheet", "discriminator_attention"]),
        ("ImagePreview", ["pool", "mattes", "hypnos.sample_sheet", "comparison_grid"]),
        ("PlotlyPreview", ["discriminator_curve", "hypnos.learning_curve"]),
        ("TablePreview", ["hypnos.scores", "subject_scores"]),
        ("JSONPreview", ["matte_report", "hypnos.training_report"]),
        ("HTMLPreview", ["subject_page"]),
    ],
)
def test_every_stage_has_its_picture(site, kind, datasets):
    for dataset in datasets:
        node = json.loads((site.folder / "api/nodes" / site.id_of(f"{SUBJECT}.{dataset}")).read_text())
        assert node["preview_type"] == kind, dataset
        assert node["preview"], dataset
