"""One class prior per subject, shared by its hypnos and dreambooth methods."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.class_prior.nodes import generate_class_prior
from hypnos_pipeline.pipelines.slices import subject_slice
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


def create_pipeline(study: Study) -> Pipeline:
    """Returns the class prior of every subject."""
    nodes = [
        Node(
            generate_class_prior,
            [f"params:{name}" for name in PARAMETERS],
            ["class_prior", "class_prior_sheet", "class_prior_report"],
            name="generate_class_prior",
        )
    ]
    return Pipeline([subject_slice(nodes, subject) for subject in study.subjects])
