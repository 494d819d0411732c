"""δ of each metric: the smallest difference between two methods that matters, in the metric's unit.

Registered claims state their own (``conf/mini_findings/claims.yml``, where the scale is explained), and a
test holds the two equal. An expectation of the ablation study states none, so this one is taken.
"""

from __future__ import annotations

from hypnos_pipeline.metrics.registry import METRICS

DELTAS = {
    "dino": 0.05,
    "clip_i": 0.05,
    "clip_t": 0.02,
    "clip_t_paper": 0.02,
    "ssim": 0.05,
    "psnr": 1.0,
    "lpips": 0.05,
    "background_obeyed": 3.0,
    "background_leak": 0.1,
    "scene_obeyed": 0.05,
    "disentangled": 3.0,
    "grain": 1.0,
    "unseen_dino": 0.05,
    "diversity": 0.05,
    "copying": 0.05,
}
"""By the formula; a variant with another network or another reference has the same."""


def delta_of(metric: str) -> float:
    """Returns a metric's δ; 0 for a metric of whole sets of images, which has no values to compare."""
    return DELTAS.get(METRICS[metric].formula, 0.0)
