"""Latent cache and discriminator, once per subject."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.discriminator.nodes import (
    discriminator_attention,
    encode_latents,
    pretrain_discriminator,
)
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study

SETTINGS = ["params:discriminator", "params:seed"]
NETWORK, RUNTIME = "params:models.text_to_image", "params:runtime"


def create_pipeline(study: Study) -> Pipeline:
    """Returns the latent cache and the discriminator of every subject."""
    nodes = [
        Node(
            encode_latents,
            ["pool", "fakes", "class_prior", NETWORK, RUNTIME],
            "latents",
            name="encode_latents",
        ),
        Node(
            pretrain_discriminator,
            ["latents", *SETTINGS, NETWORK, RUNTIME, "params:checkpoints"],
            ["discriminator_weights", "discriminator_curve", "discriminator_report"],
            name="pretrain_discriminator",
        ),
        Node(
            discriminator_attention,
            ["working_photos", "latents", "discriminator_weights", *SETTINGS, RUNTIME],
            "discriminator_attention",
            name="discriminator_attention",
        ),
    ]
    return Pipeline([subject_slice(nodes, subject) for subject in study.subjects])
