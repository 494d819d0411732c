"""The registry agrees with the configuration and with the paper's tables."""

from __future__ import annotations

from typing import get_args

import pytest

from hypnos_pipeline.metrics.registry import METRICS, in_order
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
        **dict.fromkeys([f"foreground_{name}" for name in ("dino", "clip_i", "ssim", "psnr")], "↑"),
        **dict.fromkeys(["foreground_lpips", "background_obeyed", "background_leak", "grain"], "↓"),
        **dict.fromkeys(["scene_obeyed", "disentangled", "unseen_dino", "diversity"], "↑"),
        "copying": "",
    }


def test_variants_differ_in_network_or_reference_alone():
    for metric in METRICS.values():
        plain = METRICS[metric.formula]
        assert (metric.kind, metric.higher_is_better) == (plain.kind, plain.higher_is_better)
        assert plain.label.split()[0] in metric.label
        assert (metric is plain) == (
            (metric.network, metric.requested_colour) == (plain.network, plain.requested_colour)
        )
    requested = {metric.name for metric in METRICS.values() if metric.requested_colour}
    assert requested == {*(name for name in METRICS if name.startswith("foreground_")), "background_obeyed"}


def test_unknown_names_are_refused_and_repeats_dropped():
    assert [metric.name for metric in in_order(["psnr", "dino", "psnr"])] == ["dino", "psnr"]
    with pytest.raises(KeyError, match="cosiness"):
        in_order(["dino", "cosiness"])
