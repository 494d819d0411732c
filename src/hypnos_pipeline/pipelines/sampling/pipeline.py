"""One node per subject and method; the families differ in what they read."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.sampling.nodes import sample_base, sample_finetuned, sample_learned_token
from hypnos_pipeline.pipelines.slices import method_slice
from hypnos_pipeline.study.model import Study

BASE = "models.text_to_image"
PARAMETERS = ("prompt_sets", "sampling", BASE, "runtime", "seed", "image_size", "checkpoints")
COMMON = {name: f"params:{name}" for name in ("subject", *PARAMETERS) if name != BASE}
FULL = {"finetuned": "finetuned", **COMMON}
TEXT_TO_IMAGE = {"text_to_image": f"params:{BASE}"}


def create_pipeline(study: Study) -> Pipeline:
    """Returns the sampling of every subject and method."""
    slices = [
        method_slice([_node(family)], subject, family, method, parameters=PARAMETERS)
        for subject in study.subjects
        for family, method in study.entries()
    ]
    return sum(slices, Pipeline([]))


def _node(family: str) -> Node:
    outputs = ["samples", "sample_sheet", "sample_check"]
    if family == "base":
        return Node(sample_base, {**COMMON, **TEXT_TO_IMAGE}, outputs, name="sample_base")
    if family == "textual_inversion":
        inputs = {**FULL, **TEXT_TO_IMAGE, "method": "params:method"}
        return Node(sample_learned_token, inputs, outputs, name="sample_learned_token")
    return Node(sample_finetuned, FULL, outputs, name="sample_finetuned")
