"""The registry agrees with the configuration and with the paper's tables."""

from __future__ import annotations

from typing import get_args

import pytest

from hypnos_pipeline.metrics.registry import FOREGROUND, METRICS, in_order
from hypnos_pipeline.metrics.settings import MetricName


def test_every_configurable_metric_is_registered_in_order():
    assert list(METRICS) == list(get_args(MetricName))
    labels = [metric.label for metric in METRICS.values()]
    papers = ["DINO", "CLIP-I", "CLIP-T", "FID", "SSIM", "PSNR", "LPIPS"]
    assert [label for label in labels if label in papers] == papers


def test_directions():
    assert {name: metric.arrow for name, metric in METRICS.items()} == {
        **dict.fromkeys(["dino", "clip_i", "clip_i_b32", "clip_t", "clip_t_b32", "ssim", "psnr"], "↑"),
        **dict.fromkeys(["fid", "fid_64", "kid", "lpips"], "↓"),
        "clip_t_paper": "",
        **dict.fromkeys([f"{FOREGROUND}{name}" for name in ("dino", "clip_i", "ssim", "psnr")], "↑"),
        **dict.fromkeys(["foreground_lpips", "background_obeyed"], "↓"),
    }


def test_foreground_metrics_are_those_of_the_photos_on_another_reference():
    for name, metric in METRICS.items():
        if name.startswith(FOREGROUND):
            plain = METRICS[name.removeprefix(FOREGROUND)]
            assert metric.label.endswith(plain.label)
            assert (metric.kind, metric.higher_is_better, metric.network) == (
                "pairwise", plain.higher_is_better, plain.network,
            )  # fmt: skip
    asked = {name for name, metric in METRICS.items() if metric.asked_colour}
    assert asked == {name for name in METRICS if name.startswith(FOREGROUND)} | {"background_obeyed"}


def test_unknown_names_are_refused_and_repeats_dropped():
    assert [metric.name for metric in in_order(["psnr", "dino", "psnr"])] == ["dino", "psnr"]
    with pytest.raises(KeyError, match="cosiness"):
        in_order(["dino", "cosiness"])
