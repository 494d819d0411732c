"""Pipeline ``evaluation``: every metric of every subject and method."""

from __future__ import annotations

from functools import partial, update_wrapper

from kedro.pipeline import Pipeline, node

from hypnos_pipeline.pipelines.evaluation.nodes import evaluate
from hypnos_pipeline.pipelines.slices import method_slice
from hypnos_pipeline.study import Study


def create_pipeline(study: Study) -> Pipeline:
    """Returns one node for each subject and method."""
    slices = [
        _evaluation(subject, family, method)
        for subject in study.subjects
        for family, method in study.entries()
    ]
    return sum(slices, Pipeline([]))


def _evaluation(subject: str, family: str, method: str) -> Pipeline:
    inputs = {
        "samples": "samples",
        "working_photos": "working_photos",
        "models": "params:models",
        "evaluation": "params:evaluation",
        "runtime": "params:runtime",
    }
    if family != "base":  # which leaves nothing behind: the base model itself is read
        inputs["finetuned"] = "finetuned"
    named = update_wrapper(partial(evaluate, subject=subject, method=method), evaluate)
    return method_slice(
        [node(named, inputs=inputs, outputs=["pairs", "scores"], name="evaluate")],
        subject,
        family,
        method,
        subject_inputs=["working_photos"],
        parameters=["models", "evaluation", "runtime"],
    )
