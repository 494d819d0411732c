"""The same evaluation on other noise: cells stay the first one's, the others say how far they move."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.evaluate import evaluate_samples
from hypnos_pipeline.metrics.replicates import replicate_spread, replicates_of
from tests.metrics.test_evaluate import evaluated, photos_of, samples_of

METRICS = ["dino", "fid", "psnr"]


def repeated() -> ImageSet:
    """Two replicates of two images of ``invariant``, and two images of ``varying`` that is sampled once."""
    samples = samples_of({"invariant": 4, "varying": 2})
    rows = [
        {**row, "replicate": row["index"] // 2} if row["prompt_set"] == "invariant" else row
        for row in samples.manifest
    ]
    return ImageSet(samples.images, rows)


def test_images_are_taken_apart_by_replicate():
    first, second = replicates_of(repeated())
    assert list(first.images) == ["invariant/000", "invariant/001", "varying/000", "varying/001"]
    assert list(second.images) == ["invariant/002", "invariant/003"]
    assert [row["name"] for row in second.manifest] == list(second.images)
    (alone,) = replicates_of(samples_of({"invariant": 2}))
    assert list(alone.images) == ["invariant/000", "invariant/001"]


def test_the_evaluation_reports_the_means_of_every_replicate(models, networks, tmp_path):
    samples = repeated()
    _, scores, report, _ = evaluated(models, tmp_path / "base", samples, METRICS)
    assert json.loads(json.dumps(report)) == report
    cells = {(row["prompt_set"], row["metric"]): row for row in report["replicates"]}
    assert set(cells) == {("invariant", metric) for metric in METRICS}
    counted = scores.set_index(["prompt_set", "metric"])
    assert counted.loc[("invariant", "dino"), "n"] == 2 * 3
    for number, replicate in enumerate(replicates_of(samples)):
        _, alone = evaluate_samples(
            replicate, photos_of(3), networks, metrics=METRICS, batch=32, subject="s", method="m"
        )
        for metric, mean in alone[alone["prompt_set"] == "invariant"].set_index("metric")["mean"].items():
            assert cells["invariant", metric]["means"][number] == pytest.approx(mean, rel=1e-6)
    for metric in METRICS:
        cell = cells["invariant", metric]
        assert cell["means"][0] == pytest.approx(counted.loc[("invariant", metric), "mean"])
        assert cell["std"] == pytest.approx(np.std(cell["means"], ddof=1))


def test_without_replicates_nothing_is_compared(networks):
    (only,) = replicates_of(samples_of({"invariant": 2}))
    _, scores = evaluate_samples(
        only, photos_of(3), networks, metrics=["psnr"], batch=8, subject="s", method="m"
    )
    assert replicate_spread([scores]) == []
