"""Metrics that a study names and that none of its subjects can have."""

from __future__ import annotations

from collections.abc import Iterator

from hypnos_pipeline.checks.findings import warning
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.metrics.registry import in_order
from hypnos_pipeline.study.environments import STUDY_FILE
from hypnos_pipeline.study.parts import ValidParts


def metric_warnings(parts: ValidParts) -> Iterator[Problem]:
    """Warns of metrics whose inputs the study lacks, so that they have no cells."""
    evaluation = parts.sections.get("evaluation")
    if evaluation is None:
        return
    lacking: dict[str, tuple[str, str]] = {}
    if evaluation.cut_out is None:
        lacking["sample_mattes"] = "samples are not cut out", "set evaluation.cut_out"
    if not any(subject.unseen for subject in parts.subjects.values()):
        lacking["unseen"] = "no subject has unseen views", "set subjects.<name>.unseen"
    for metric in in_order(evaluation.metrics):
        for name in metric.reads:
            if name in lacking:
                why, fix = lacking[name]
                what = f"evaluation.metrics: {metric.name} has no value, because {why}"
                yield warning(STUDY_FILE, what, f"{fix}, or leave the metric out")
