"""Background removal, once per subject."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from hypnos_pipeline.pipelines.background_removal.nodes import cut_truth, remove_background
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study

PARAMETERS = ("background_removal", "models.matting", "image_size")


def create_pipeline(study: Study) -> Pipeline:
    """Builds the pipeline for the study's subjects."""
    nodes = [
        node(
            remove_background,
            inputs=["photos", "params:subject", *(f"params:{name}" for name in PARAMETERS)],
            outputs=["working_photos", "mattes", "foregrounds", "matte_report", "matte_sheet"],
            name="remove_background",
        ),
        node(
            cut_truth,
            inputs=[
                "working_photos",
                "mattes",
                "foregrounds",
                "matte_report",
                "truth",
                "params:subject",
            ],
            outputs=["true_mattes", "true_foregrounds"],
            name="cut_truth",
        ),
    ]
    return sum(
        (
            subject_slice(
                nodes,
                subject,
                inputs={"photos": f"{study.photo_owner(subject)}.photos", "truth": "truth"},
                parameters=PARAMETERS,
            )
            for subject in study.subjects
        ),
        Pipeline([]),
    )
