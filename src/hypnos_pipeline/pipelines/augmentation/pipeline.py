"""Augmentation, once per subject."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from hypnos_pipeline.pipelines.augmentation.nodes import augment
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study


def create_pipeline(study: Study) -> Pipeline:
    """Builds the pipeline for the study's subjects."""
    nodes = [
        node(
            augment,
            inputs=[
                "working_photos",
                "mattes",
                "foregrounds",
                "params:augmentation",
                "params:subject",
                "params:seed",
            ],
            outputs=["pool", "fakes", "pool_sheet"],
            name="build_pool",
        )
    ]
    return sum(
        (subject_slice(nodes, subject, parameters=["augmentation", "seed"]) for subject in study.subjects),
        Pipeline([]),
    )
