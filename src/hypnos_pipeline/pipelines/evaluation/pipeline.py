"""Pipeline ``evaluation``: every metric of every subject and method."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.metrics.settings import NETWORKS
from hypnos_pipeline.pipelines.evaluation.nodes import evaluate
from hypnos_pipeline.pipelines.slices import Step, method_slices
from hypnos_pipeline.study.model import Study

OF_SUBJECT = ("working_photos", "true_mattes", "true_foregrounds", "unseen_photos", "class_prior")


def create_pipeline(study: Study) -> Pipeline:
    """Returns one node for each subject and method."""
    return Pipeline(
        method_slices(study, {family: [_step(family)] for family, _ in study.entries()}, OF_SUBJECT)
    )


def _step(family: str) -> Step:
    reads = {name: name for name in ("samples", *OF_SUBJECT)}
    reads |= {name: f"params:{name}" for name in ("evaluation", "runtime")}
    reads |= {name: f"params:models.{name}" for name in NETWORKS}
    reads["matting"] = "params:models.matting"
    if family != "base":  # which leaves nothing behind: the base model itself is read
        reads["finetuned"] = "finetuned"
    return Step(
        evaluate,
        reads,
        ("pairs", "scores", "evaluation_report", "cut_out_sheet"),
        given=("subject", "method"),
    )
