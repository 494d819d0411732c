"""Latent cache and discriminator, once per subject."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from hypnos_pipeline.pipelines.discriminator.nodes import (
    discriminator_attention,
    encode_latents,
    pretrain_discriminator,
)
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study


def create_pipeline(study: Study) -> Pipeline:
    """Builds the pipeline for the study's subjects."""
    nodes = [
        node(
            encode_latents,
            inputs=["pool", "fakes", "class_prior", "params:models.text_to_image", "params:runtime"],
            outputs="latents",
            name="encode_latents",
        ),
        node(
            pretrain_discriminator,
            inputs=[
                "latents",
                "params:discriminator",
                "params:seed",
                "params:models.text_to_image",
                "params:runtime",
                "params:checkpoints",
            ],
            outputs=["discriminator_weights", "discriminator_curve", "discriminator_report"],
            name="pretrain_discriminator",
        ),
        node(
            discriminator_attention,
            inputs=[
                "working_photos",
                "latents",
                "discriminator_weights",
                "params:discriminator",
                "params:seed",
                "params:runtime",
            ],
            outputs="discriminator_attention",
            name="discriminator_attention",
        ),
    ]
    shared = ["models.text_to_image", "discriminator", "seed", "runtime", "checkpoints"]
    return sum((subject_slice(nodes, subject, parameters=shared) for subject in study.subjects), Pipeline([]))
