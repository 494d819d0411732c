"""Augmentation, once per subject."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.augmentation.nodes import augment
from hypnos_pipeline.pipelines.slices import Step, subject_slices
from hypnos_pipeline.study.model import Study

PHOTOS = ("working_photos", "mattes", "foregrounds")
PARAMETERS = ("params:augmentation", "params:subject", "params:seed")
STEPS = (Step(augment, (*PHOTOS, *PARAMETERS), ("pool", "fakes", "pool_sheet"), "build_pool"),)


def create_pipeline(study: Study) -> Pipeline:
    """Returns the augmentation of every subject."""
    return Pipeline(subject_slices(study, "augmentation", STEPS))
