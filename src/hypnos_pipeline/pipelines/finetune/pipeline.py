"""Finetuning, once per subject and method; the base model needs none."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline, node

from hypnos_pipeline.pipelines.finetune.nodes import dreambooth, hypnos, textual_inversion
from hypnos_pipeline.pipelines.slices import method_slice
from hypnos_pipeline.study.model import Study

FUNCTIONS = {"hypnos": hypnos, "dreambooth": dreambooth, "textual_inversion": textual_inversion}
SHARED = ["models.text_to_image", "models.perceptual", "discriminator", "seed", "runtime", "checkpoints"]
COMMON = [
    "params:subject",
    "params:method",
    "params:models.text_to_image",
    "params:seed",
    "params:runtime",
    "params:checkpoints",
]
# DreamBooth and textual inversion must not wait for, or depend on, the discriminator.
DATASETS = {
    "hypnos": ["latents", "pool", "discriminator_weights"],
    "dreambooth": ["latents"],
    "textual_inversion": ["latents"],
}
OUTPUTS = ["finetuned", "learning_curve", "training_report", "preview_strip"]


def create_pipeline(study: Study) -> Pipeline:
    """Builds the pipeline for the study's subjects and methods."""
    slices = [
        method_slice(
            [_node(family)],
            subject,
            family,
            method,
            subject_inputs=DATASETS[family],
            parameters=SHARED,
        )
        for subject in study.subjects
        for family, method in study.entries()
        if family in FUNCTIONS
    ]
    return sum(slices, Pipeline([]))


def _node(family: str) -> Node:
    parameters = (
        [*COMMON, "params:models.perceptual", "params:discriminator"] if family == "hypnos" else COMMON
    )
    names = [*DATASETS[family], *parameters]
    inputs = {name.removeprefix("params:").removeprefix("models."): name for name in names}
    return node(FUNCTIONS[family], inputs=inputs, outputs=OUTPUTS, name="finetune")
