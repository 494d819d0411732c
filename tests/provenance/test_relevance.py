"""What a number depends on, and what else its stages happen to read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.provenance.hashes import on_disk
from hypnos_pipeline.provenance.lineage import Input, Lineage
from hypnos_pipeline.provenance.record import Recorded, StageRecord
from hypnos_pipeline.provenance.relevance import needed_stages, own_lineage
from hypnos_pipeline.provenance.trace import extremes

STUDY = "conf/mini/parameters_study.yml"
SAMPLES = "data/07_model_output/mini/mug/samples/hypnos"
PAIRS = "data/07_model_output/mini/mug/pairs/hypnos.parquet"
SCORES = "data/07_model_output/mini/mug/scores/hypnos.csv"
TRUTH = "data/02_intermediate/mini/mug/true_mattes"
UNSEEN = "data/02_intermediate/mini/mug/unseen_photos"
PLACES = "data/04_feature/mini/mug/other_places.safetensors"
NETWORKS = {name: f"data/01_raw/models/mini/{name}" for name in ("clip", "dino", "lpips", "text_to_image")}


def recorded(path: str) -> Recorded:
    return Recorded(path, "0" * 32)


def lineage_of(metric: str, pairs: Recorded | None = None) -> Lineage:
    """One stage that measured every metric, and a report that reads it."""
    cell = Cell("mini", "1", "invariant", "mug", "hypnos", metric, "0.5", "", "", "4", "")
    inputs = [Input(recorded(path), "model") for path in NETWORKS.values()]
    inputs += [Input(recorded(path), "artefact") for path in (SAMPLES, TRUTH, UNSEEN, PLACES)]
    params = {
        "evaluation": {
            "metrics": ["dino", "lpips"],
            "batch": 8,
            "cut_out": {"backend": "network"},
            "findings": "x",
        },
        "prompt_sets": {"invariant": {"images": 2}, "varying": {"images": 2}},
        **{f"models.{name}": {"folder": folder} for name, folder in NETWORKS.items()},
    }
    deps = {each.recorded.path: each.recorded for each in inputs}
    outs = {SCORES: recorded(SCORES), PAIRS: pairs or recorded(PAIRS)}
    evaluation = StageRecord("evaluation@mug-hypnos", "", deps, {STUDY: params}, outs)
    report = StageRecord("reporting_study", "", {SCORES: outs[SCORES]}, {}, {cell.path: recorded(cell.path)})
    copied = [Input(outs[SCORES], "artefact", (evaluation.name,))]
    behind = {evaluation.name: inputs, report.name: copied}
    return Lineage(cell, recorded(cell.path), [evaluation, report], behind)


@pytest.mark.parametrize(
    ("metric", "own", "networks"),
    [
        ("dino", (SAMPLES,), ("dino", "text_to_image")),
        ("ssim", (SAMPLES,), ("text_to_image",)),
        ("foreground_lpips", (SAMPLES, TRUTH), ("lpips", "text_to_image")),
        ("unseen_dino", (SAMPLES, UNSEEN), ("dino", "text_to_image")),
        ("background_leak", (SAMPLES, TRUTH, PLACES), ("clip", "text_to_image")),
    ],
)
def test_other_metrics_prompt_sets_and_reports_are_left_out(metric, own, networks):
    found = own_lineage(lineage_of(metric))
    (stage,) = found.stages
    assert set(stage.deps) == {*own, *(NETWORKS[name] for name in networks)}
    assert set(stage.params[STUDY]) == {
        "evaluation.batch",
        *(["evaluation.cut_out"] if metric == "background_leak" else []),
        "prompt_sets.invariant",
        *(f"models.{name}" for name in networks),
    }
    assert [each.recorded for each in found.inputs[stage.name]] == list(stage.deps.values())


def test_what_the_evaluation_reads_for_other_metrics_has_to_run_and_is_no_part_of_the_number():
    whole, prior = lineage_of("dino"), recorded("data/03_primary/mini/mug/class_prior")
    stage = StageRecord("class_prior@mug", "", outs={prior.path: prior})
    evaluation = whole.stages[0].name
    read = [*whole.inputs[evaluation], Input(prior, "artefact", (stage.name,))]
    inputs = whole.inputs | {stage.name: [], evaluation: read}
    found = replace(whole, stages=[stage, *whole.stages], inputs=inputs)
    assert [each.name for each in needed_stages(found)] == [stage.name, evaluation]
    assert [each.name for each in own_lineage(found).stages] == [evaluation]


@pytest.mark.parametrize(
    ("metric", "parts"),
    [
        ("dino", None),
        ("foreground_dino", ("mug_places/masks/",)),
        ("unseen_dino", ("mug/unseen/", "mug/unseen_masks/")),
    ],
)
def test_of_what_is_known_of_a_subject_only_what_the_metric_compares_with_counts(metric, parts):
    whole = lineage_of(metric)
    truth = Input(
        recorded("data/01_raw/truth"),
        "true mask",
        parts=("mug_places/masks/", "mug/unseen/", "mug/unseen_masks/"),
    )
    evaluation = whole.stages[0].name
    inputs = whole.inputs | {evaluation: [*whole.inputs[evaluation], truth]}
    found = own_lineage(replace(whole, inputs=inputs)).inputs[evaluation]
    assert [each.parts for each in found if each.kind == "true mask"] == ([parts] if parts else [])


@pytest.mark.parametrize(
    ("metric", "ends"), [("dino", ["001", "000"]), ("lpips", ["000", "001"]), ("fid", [])]
)
def test_the_worst_and_the_best_image_by_the_metric_s_own_direction(tmp_path: Path, metric, ends):
    rows = [
        (prompt_set, f"{prompt_set}/{image}", photo, name, value + 0.1 * shift)
        for prompt_set, shift in (("invariant", 0), ("varying", 9))
        for image, value in (("000", 0.8), ("001", 0.2))
        for photo in ("00", "01")
        for name in ("dino", "lpips")
    ]
    file = tmp_path / PAIRS
    file.parent.mkdir(parents=True)
    pd.DataFrame(rows, columns=["prompt_set", "image", "photo", "metric", "value"]).to_parquet(file)
    found = own_lineage(lineage_of(metric, Recorded(PAIRS, on_disk(tmp_path, PAIRS).md5)))
    values = {"000": 0.8, "001": 0.2}
    expected = [(f"{SAMPLES}/invariant/{image}.png", pytest.approx(values[image])) for image in ends]
    assert extremes(tmp_path, found) == expected
