"""Latent cache and discriminator, once per subject."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.discriminator.nodes import (
    discriminator_attention,
    encode_latents,
    pretrain_discriminator,
)
from hypnos_pipeline.pipelines.slices import Step, subject_slices
from hypnos_pipeline.study.model import Study

SETTINGS = ("params:discriminator", "params:seed")
NETWORK, RUNTIME = "params:models.text_to_image", "params:runtime"
MADE = ("discriminator_weights", "discriminator_curve", "discriminator_report")
STEPS = (
    Step(encode_latents, ("pool", "fakes", "class_prior", NETWORK, RUNTIME), "latents"),
    Step(pretrain_discriminator, ("latents", *SETTINGS, NETWORK, RUNTIME, "params:checkpoints"), MADE),
    Step(
        discriminator_attention,
        ("working_photos", "latents", "discriminator_weights", *SETTINGS, RUNTIME),
        "discriminator_attention",
    ),
)


def create_pipeline(study: Study) -> Pipeline:
    """Returns the latent cache and the discriminator of every subject."""
    return Pipeline(subject_slices(study, "discriminator", STEPS))
