"""Augmentation: working squares → the pool with its prompts, and Table 3's altered images."""

from hypnos_pipeline.pipelines.augmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
