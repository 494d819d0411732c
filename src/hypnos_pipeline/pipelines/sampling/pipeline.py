"""One node per subject and method; the families differ in what they read."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.sampling.nodes import sample_base, sample_finetuned, sample_learned_token
from hypnos_pipeline.pipelines.slices import method_slice
from hypnos_pipeline.study.model import Study

COMMON = {
    name: f"params:{name}"
    for name in ("subject", "prompt_sets", "sampling", "runtime", "seed", "image_size", "checkpoints")
}
FINETUNED = {"finetuned": "finetuned"}
TEXT_TO_IMAGE = {"text_to_image": "params:models.text_to_image"}


def create_pipeline(study: Study) -> Pipeline:
    """Returns the sampling of every subject and method."""
    return Pipeline(
        [
            method_slice([_node(family)], subject, family, method)
            for subject in study.subjects
            for family, method in study.entries()
        ]
    )


def _node(family: str) -> Node:
    if family == "base":
        function, inputs = sample_base, COMMON | TEXT_TO_IMAGE
    elif family == "textual_inversion":
        function = sample_learned_token
        inputs = COMMON | FINETUNED | TEXT_TO_IMAGE | {"method": "params:method"}
    else:
        function, inputs = sample_finetuned, COMMON | FINETUNED
    return Node(function, inputs, ["samples", "sample_sheet", "sample_check"], name=function.__name__)
