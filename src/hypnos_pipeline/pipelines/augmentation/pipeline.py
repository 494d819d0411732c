"""Augmentation, once per subject."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.augmentation.nodes import augment
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study

PHOTOS = ["working_photos", "mattes", "foregrounds"]


def create_pipeline(study: Study) -> Pipeline:
    """Returns the augmentation of every subject."""
    nodes = [
        Node(
            augment,
            [*PHOTOS, "params:augmentation", "params:subject", "params:seed"],
            ["pool", "fakes", "pool_sheet"],
            name="build_pool",
        )
    ]
    return Pipeline([subject_slice(nodes, subject) for subject in study.subjects])
