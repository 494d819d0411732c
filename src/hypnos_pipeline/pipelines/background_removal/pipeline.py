"""Background removal, once per subject."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.background_removal.nodes import cut_truth, remove_background
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study

PARAMETERS = ["params:background_removal", "params:models.matting", "params:image_size"]
MADE = ["working_photos", "mattes", "foregrounds", "matte_report"]


def create_pipeline(study: Study) -> Pipeline:
    """Returns the background removal of every subject."""
    nodes = [
        Node(
            remove_background,
            ["photos", "params:subject", *PARAMETERS],
            [*MADE, "matte_sheet"],
            name="remove_background",
        ),
        Node(
            cut_truth,
            [*MADE, "truth", "params:subject"],
            ["true_mattes", "true_foregrounds"],
            name="cut_truth",
        ),
    ]
    made_elsewhere = {
        subject: {"photos": f"{study.photo_owner(subject)}.photos", "truth": "truth"}
        for subject in study.subjects
    }
    return Pipeline(
        [subject_slice(nodes, subject, inputs=inputs) for subject, inputs in made_elsewhere.items()]
    )
