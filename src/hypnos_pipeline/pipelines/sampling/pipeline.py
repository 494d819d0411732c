"""One node per subject, method and training; the families differ in what they read."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.sampling.nodes import sample_base, sample_finetuned, sample_learned_token
from hypnos_pipeline.pipelines.slices import Step, method_slices
from hypnos_pipeline.study.model import Study

COMMON = {
    name: f"params:{name}"
    for name in ("subject", "prompt_sets", "sampling", "runtime", "seed", "image_size", "checkpoints")
}
FINETUNED = {"finetuned": "finetuned"}
TEXT_TO_IMAGE = {"text_to_image": "params:models.text_to_image"}
METHOD = {"method": "params:method"}


def create_pipeline(study: Study) -> Pipeline:
    """Returns the sampling of every subject and method."""
    return Pipeline(method_slices(study, {family: [_step(family)] for family, _ in study.entries()}))


def _step(family: str) -> Step:
    if family == "base":
        function, reads = sample_base, COMMON | TEXT_TO_IMAGE
    elif family == "textual_inversion":
        function, reads = sample_learned_token, COMMON | FINETUNED | TEXT_TO_IMAGE | METHOD
    else:
        function, reads = sample_finetuned, COMMON | FINETUNED
    return Step(function, reads, ("samples", "sample_sheet", "sample_check"), given=("training",))
