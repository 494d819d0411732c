"""Latent cache, once per subject, and the discriminator, once per subject and training."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from hypnos_pipeline.pipelines.discriminator.nodes import (
    discriminator_attention,
    encode_latents,
    pretrain_discriminator,
)
from hypnos_pipeline.pipelines.slices import Step, training_slices
from hypnos_pipeline.study.model import Study

SETTINGS = ("params:discriminator", "params:seed")
NETWORK, RUNTIME = "params:models.text_to_image", "params:runtime"
MADE = ("discriminator_weights", "discriminator_curve", "discriminator_report")
TRAINING = ("training",)
LATENTS = Step(encode_latents, ("pool", "fakes", "class_prior", NETWORK, RUNTIME), "latents")
EACH_TRAINING = (
    Step(
        pretrain_discriminator,
        ("latents", *SETTINGS, NETWORK, RUNTIME, "params:checkpoints"),
        MADE,
        given=TRAINING,
    ),
    Step(
        discriminator_attention,
        ("working_photos", "latents", "discriminator_weights", *SETTINGS, RUNTIME),
        "discriminator_attention",
        given=TRAINING,
    ),
)
SHARED = ("working_photos", "pool", "fakes", "class_prior", "latents")


def create_pipeline(study: Study) -> Pipeline:
    """Returns the latent cache of every subject, and the discriminator of each of its trainings."""
    first = (LATENTS, *EACH_TRAINING)
    return Pipeline(training_slices(study, "discriminator", first, EACH_TRAINING, SHARED))
