"""Configuration of the evaluation (method.md §9; paper 3.5, 0.B.3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hypnos_pipeline.configuration.base import Configuration, Name
from hypnos_pipeline.imaging.settings import BackendSettings

NETWORKS = ("text_to_image", "dino", "clip", "clip_b32", "inception", "lpips")
"""The study's networks that metrics are taken with; their identity stands below the tables."""

MetricName = Literal[
    "dino",
    "clip_i",
    "clip_i_b32",
    "clip_t",
    "clip_t_b32",
    "clip_t_paper",
    "fid",
    "fid_64",
    "kid",
    "ssim",
    "psnr",
    "lpips",
    "foreground_dino",
    "foreground_clip_i",
    "foreground_ssim",
    "foreground_psnr",
    "foreground_lpips",
    "background_obeyed",
    "background_leak",
    "scene_obeyed",
    "disentangled",
    "grain",
    "unseen_dino",
    "diversity",
    "copying",
]


class EvaluationSettings(Configuration):
    """Which metrics are taken, and how.

    Attributes:
        metrics: Names in the registry.
        batch: Images that go through a network at a time.
        cut_out: What cuts generated images out, for the metrics that look at the object and its surroundings
            apart; null leaves those metrics out.
        findings: The environment whose recorded findings (``docs/findings.csv``) the study's page shows
            beside its own values, because this study is one training of the same photos and settings.
    """

    metrics: Annotated[list[MetricName], Field(min_length=1)]
    batch: Annotated[int, Field(ge=1, le=4096)] = 32
    cut_out: BackendSettings | None = None
    findings: Name | None = None
