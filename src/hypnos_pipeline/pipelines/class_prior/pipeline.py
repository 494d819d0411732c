"""One class prior per subject, shared by its hypnos and dreambooth methods."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.class_prior.nodes import generate_class_prior
from hypnos_pipeline.pipelines.slices import Step, subject_slices
from hypnos_pipeline.study.model import Study

PARAMETERS = (
    "subject",
    "class_prior",
    "models.text_to_image",
    "sampling",
    "runtime",
    "seed",
    "image_size",
    "checkpoints",
)
MADE = ("class_prior", "class_prior_sheet", "class_prior_report")
STEPS = (Step(generate_class_prior, [f"params:{name}" for name in PARAMETERS], MADE),)


def create_pipeline(study: Study) -> Pipeline:
    """Returns the class prior of every subject."""
    return Pipeline(subject_slices(study, "class_prior", STEPS))
