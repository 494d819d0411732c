"""Discriminator: pool, altered images and class prior → cached latents and the pretrained discriminator."""

from hypnos_pipeline.pipelines.discriminator.pipeline import create_pipeline

__all__ = ["create_pipeline"]
