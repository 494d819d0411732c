"""Pipeline ``evaluation``: every metric of every subject and method."""

from __future__ import annotations

from functools import partial, update_wrapper

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.metrics.settings import NETWORKS
from hypnos_pipeline.pipelines.evaluation.nodes import evaluate
from hypnos_pipeline.pipelines.slices import method_slice
from hypnos_pipeline.study.model import Study

OF_SUBJECT = ("working_photos", "true_mattes", "true_foregrounds")


def create_pipeline(study: Study) -> Pipeline:
    """Returns one node for each subject and method."""
    return Pipeline(
        [
            _evaluation(subject, family, method)
            for subject in study.subjects
            for family, method in study.entries()
        ]
    )


def _evaluation(subject: str, family: str, method: str) -> Pipeline:
    inputs = {name: name for name in ("samples", *OF_SUBJECT)}
    inputs |= {name: f"params:{name}" for name in ("evaluation", "runtime")}
    inputs |= {name: f"params:models.{name}" for name in NETWORKS}
    if family != "base":  # which leaves nothing behind: the base model itself is read
        inputs["finetuned"] = "finetuned"
    named = update_wrapper(partial(evaluate, subject=subject, method=method), evaluate)
    node = Node(named, inputs, ["pairs", "scores", "evaluation_report"], name="evaluate")
    return method_slice([node], subject, family, method, subject_inputs=OF_SUBJECT)
