"""Background removal, once per subject."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.background_removal.nodes import (
    cut_truth,
    read_unseen_views,
    remove_background,
)
from hypnos_pipeline.pipelines.slices import Step, subject_slices
from hypnos_pipeline.study.model import Study

SUBJECT = "params:subject"
PARAMETERS = ("params:background_removal", "params:models.matting", "params:image_size")
MADE = ("working_photos", "mattes", "foregrounds", "matte_report")
STEPS = (
    Step(remove_background, ("photos", SUBJECT, *PARAMETERS), (*MADE, "matte_sheet")),
    Step(cut_truth, (*MADE, "truth", SUBJECT), ("true_mattes", "true_foregrounds")),
    Step(read_unseen_views, ("truth", SUBJECT, "params:image_size"), "unseen_photos"),
)


def create_pipeline(study: Study) -> Pipeline:
    """Returns the background removal of every subject."""

    def elsewhere(subject: str) -> dict[str, str]:
        return {"photos": f"{study.photo_owner(subject)}.photos", "truth": "truth"}

    return Pipeline(subject_slices(study, "background_removal", STEPS, elsewhere))
