"""The project's pipelines, built from the study of the environment in use."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines import (
    augmentation,
    background_removal,
    class_prior,
    discriminator,
    evaluation,
    finetune,
    miniworld,
    reporting,
    sampling,
)
from hypnos_pipeline.running.plainly import shown_plainly
from hypnos_pipeline.study.loading import current_parameters
from hypnos_pipeline.study.model import Study

STAGES = {
    "background_removal": background_removal,
    "augmentation": augmentation,
    "class_prior": class_prior,
    "discriminator": discriminator,
    "finetune": finetune,
    "sampling": sampling,
    "evaluation": evaluation,
    "reporting": reporting,
}


def register_pipelines() -> dict[str, Pipeline]:
    """Returns the eight stages, ``full``, their sum, and ``miniworld``, which rebuilds mini's models."""
    with shown_plainly():
        study = Study.from_parameters(current_parameters())
    stages = {name: stage.create_pipeline(study) for name, stage in STAGES.items()}
    full = Pipeline(list(stages.values()))
    return {**stages, "miniworld": miniworld.create_pipeline(), "full": full, "__default__": full}
