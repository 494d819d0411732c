"""Finetuning, once per subject and method; the base model needs none."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.finetune.nodes import dreambooth, hypnos, textual_inversion
from hypnos_pipeline.pipelines.slices import method_slice
from hypnos_pipeline.study.model import Study

FUNCTIONS = {"hypnos": hypnos, "dreambooth": dreambooth, "textual_inversion": textual_inversion}
COMMON = ("subject", "method", "models.text_to_image", "seed", "runtime", "checkpoints")
# DreamBooth and textual inversion must not wait for, or depend on, the discriminator.
DATASETS = {
    "hypnos": ["latents", "pool", "discriminator_weights"],
    "dreambooth": ["latents"],
    "textual_inversion": ["latents"],
}
OUTPUTS = ["finetuned", "learning_curve", "training_report", "preview_strip"]


def create_pipeline(study: Study) -> Pipeline:
    """Returns the finetuning of every subject by every method."""
    return Pipeline(
        [
            method_slice([_node(family)], subject, family, method, subject_inputs=DATASETS[family])
            for subject in study.subjects
            for family, method in study.entries()
            if family in FUNCTIONS
        ]
    )


def _node(family: str) -> Node:
    read = (*COMMON, "models.perceptual", "discriminator") if family == "hypnos" else COMMON
    inputs = {name: name for name in DATASETS[family]}
    inputs |= {name.removeprefix("models."): f"params:{name}" for name in read}
    return Node(FUNCTIONS[family], inputs, OUTPUTS, name="finetune")
