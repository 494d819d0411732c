"""The whole DAG on a shrunken study: every stage's artefact, and the same bytes from a second run."""

from __future__ import annotations

import json
import random
from functools import partial

import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.checks.read_once import KEPT
from hypnos_pipeline.running import dask_runner
from tests.end_to_end.killed import run_armed
from tests.end_to_end.shrunken import hashes, make_project, run, shrink

MADE = ("data/0[2-9]_*", "data/[!0]*")
OF_ONE_RUN = ("data/logs/", str(KEPT))
"""Names what happened when, and when photos were changed."""
METHODS = ["hypnos", "dreambooth_low_lr", "dreambooth_high_lr", "textual_inversion", "base"]


@pytest.fixture(scope="module")
def first(shrunken_study):
    return shrunken_study


def test_cells_hold_every_defined_cell(first):
    cells = pd.read_csv(first / "data/08_reporting/mini/cells.csv")
    assert list(cells) == [
        "table", "prompt_set", "subject", "method", "metric", "mean", "std", "std_images", "n", "paper",
        "trainings", "std_trainings",
    ]  # fmt: skip
    assert set(cells.method) == set(METHODS)
    assert set(cells.prompt_set) == {
        "invariant", "varying", "backgrounds", "backgrounds_trained", "disentangle",
    }  # fmt: skip
    assert cells[cells.prompt_set == "backgrounds"].table.isna().all()
    asked = cells.metric.str.startswith("foreground_") | (cells.metric == "background_obeyed")
    assert set(cells[asked].prompt_set) == {"backgrounds", "backgrounds_trained"}
    assert cells[asked].metric.nunique() == 6
    assert cells["mean"].notna().all()
    assert cells.paper.isna().all()
    photos, images = 4, 2
    counts = cells.set_index(["prompt_set", "method", "metric"]).n
    assert (counts.loc[:, :, ["dino", "clip_i", "ssim", "psnr", "lpips"]] == photos * images).all()
    assert (counts.loc[:, :, ["clip_t", "fid", "kid"]] == images).all()
    assert cells[cells.metric.isin(["fid", "fid_64", "kid"])]["std"].isna().all()


def test_cells_follow_from_the_pairs(first):
    folder = first / "data/08_reporting/mini"
    cells = pd.read_csv(folder / "cells.csv").set_index(["prompt_set", "subject", "method", "metric"])
    pairs = pd.read_parquet(first / "data/07_model_output/mini/figurine/pairs/hypnos.parquet")
    dino = pairs[(pairs.metric == "dino") & (pairs.prompt_set == "varying")]
    cell = cells.loc["varying", "figurine", "hypnos", "dino"]
    assert cell["mean"] == pytest.approx(dino.value.mean(), abs=1e-12)
    assert cell["std"] == pytest.approx(dino.value.std(ddof=1), abs=1e-12)


def test_tables_and_figures_are_written(first):
    folder = first / "data/08_reporting/mini"
    for stem in (
        "table_1_prompt_invariant",
        "table_2_prompt_varying",
        "table_invariant_minus_varying",
        "backgrounds",
    ):
        assert "DreamBooth" in (folder / f"{stem}.md").read_text()
        assert r"\begin{tabular}" in (folder / f"{stem}.tex").read_text()
    for picture in sorted(folder.rglob("*.png")):
        with Image.open(picture) as image:
            assert min(image.size) > 64
    for name in ("comparison_grid", "first_samples", "ablation_grid", "flagged_failures"):
        assert (folder / f"subjects/figurine/{name}.png").is_file()
    assert "states what the paper expects" in (folder / "ablations.md").read_text()
    assert "hypnos" in json.dumps(json.loads((folder / "metrics.json").read_text()))


def test_every_method_is_asked_for_the_same_backgrounds_and_held_against_known_masks(first):
    def asked(method: str) -> list[tuple]:
        manifest = json.loads(
            (first / f"data/07_model_output/mini/figurine/samples/{method}/manifest.json").read_text()
        )
        return [(row["name"], row["colour"], row["noun_prompt"]) for row in manifest if "colour" in row]

    assert asked("base")[0] == ("backgrounds/000", "yellow", "a photo of figurine, yellow background")
    assert all(asked(method) == asked("base") for method in METHODS)
    said = (first / "data/08_reporting/mini/backgrounds.md").read_text()
    assert "HYPNOS (LR=2e-4) − DreamBooth (LR=1e-4)" in said
    assert "Figurine: known masks." in said


def test_all_methods_start_from_the_same_noise(first):
    def seeds(method: str) -> list[int]:
        manifest = first / f"data/07_model_output/mini/figurine/samples/{method}/manifest.json"
        return [row["seed"] for row in json.loads(manifest.read_text())]

    assert all(seeds(method) == seeds("base") for method in METHODS)
    assert len(set(seeds("base"))) == len(seeds("base"))


def test_artefacts_name_no_machine(first):
    needle = str(first).encode()
    made = [first / name for name in hashes(first, *MADE)]
    assert [str(file) for file in made if needle in file.read_bytes()] == []


@pytest.mark.long
def test_the_first_of_two_trainings_gives_the_bytes_of_one(first, tmp_path):
    def twice(study: dict) -> dict:
        small = shrink(study) | {"trainings": 2, "further_trainings": [2]}
        return small | {"methods": {name: small["methods"][name] for name in ("hypnos", "base")}}

    two = make_project(tmp_path / "two", change=twice)
    run(two, pipeline_names=["full"])
    one, other = (hashes(each, "data/0[2-7]_*") for each in (first, two))
    shared = [name for name in other if "training_2" not in name]
    assert [name for name in shared if one.get(name) != other[name]] == []
    further = {
        name: name.replace("/training_2", "").replace(".training_2", "") for name in {*other} - {*shared}
    }
    assert {*further.values()} <= {*shared}
    changed = ("weights.safetensors", "diffusion_pytorch_model.safetensors", "/000.png", "curve.csv")
    made = [name for name in further if name.endswith(changed) and "/vae/" not in name]
    assert len(made) > 10
    assert [name for name in made if other[name] == other[further[name]]] == []
    cells = pd.read_csv(two / "data/08_reporting/mini/cells.csv")
    assert set(cells.trainings) == {2}
    scores = pd.read_csv(two / "data/08_reporting/mini/subject_scores/figurine.csv")
    assert set(scores.training) == {1, 2}
    means = scores.groupby(["prompt_set", "method", "metric"])["mean"].agg(["mean", "std"])
    found = cells.set_index(["prompt_set", "method", "metric"])
    pd.testing.assert_series_equal(found["mean"], means.loc[found.index]["mean"])
    pd.testing.assert_series_equal(found["std_trainings"], means.loc[found.index]["std"], check_names=False)


STAGES = {
    "augmentation": "figurine.augmentation.build_pool",
    "class_prior": "figurine.class_prior.generate_class_prior",
    "finetune": "figurine.hypnos.finetune",
    "sampling": "figurine.base.sample_base",
    "evaluation": "figurine.hypnos.evaluate",
}
"""A node of each stage that takes longest."""


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.long)])
def test_a_second_run_whose_workers_are_killed_gives_the_same_bytes(
    first, tmp_path, monkeypatch, kills, caplog
):
    draw = random.Random(kills)
    killed = {STAGES[stage]: draw.randint(0, 4) for stage in draw.sample(sorted(STAGES), kills)}
    armed = partial(run_armed, kills=killed, flags=tmp_path)
    monkeypatch.setattr(dask_runner, "run_node_there", armed)
    second = make_project(tmp_path / "second")
    run(second, pipeline_names=["full"], runner=dask_runner.DaskRunner(workers=2))
    lost = [record for record in caplog.records if "its process was killed" in record.getMessage()]
    assert len(lost) == kills
    one, two = (
        {name: value for name, value in hashes(each, *MADE).items() if not name.startswith(OF_ONE_RUN)}
        for each in (first, second)
    )
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
