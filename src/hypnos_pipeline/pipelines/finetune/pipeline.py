"""Finetuning, once per subject, method and training; the base model needs none."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.finetune.nodes import dreambooth, hypnos, textual_inversion
from hypnos_pipeline.pipelines.slices import Step, method_slices
from hypnos_pipeline.study.model import Study

FUNCTIONS = {"hypnos": hypnos, "dreambooth": dreambooth, "textual_inversion": textual_inversion}
COMMON = ("subject", "method", "models.text_to_image", "seed", "runtime", "checkpoints")
# DreamBooth and textual inversion must not wait for, or depend on, the discriminator.
DATASETS = {
    "hypnos": ("latents", "pool", "discriminator_weights"),
    "dreambooth": ("latents",),
    "textual_inversion": ("latents",),
}
OF_SUBJECT = ("latents", "pool")
OF_TRAINING = ("discriminator_weights",)
OUTPUTS = ("finetuned", "learning_curve", "training_report", "preview_strip")


def create_pipeline(study: Study) -> Pipeline:
    """Returns the finetuning of every subject by every method."""
    steps = {family: [_step(family)] for family in FUNCTIONS}
    return Pipeline(method_slices(study, steps, OF_SUBJECT, OF_TRAINING))


def _step(family: str) -> Step:
    parameters = (*COMMON, "models.perceptual", "discriminator") if family == "hypnos" else COMMON
    reads = {name: name for name in DATASETS[family]}
    reads |= {name.removeprefix("models."): f"params:{name}" for name in parameters}
    return Step(FUNCTIONS[family], reads, OUTPUTS, "finetune", given=("training",))
