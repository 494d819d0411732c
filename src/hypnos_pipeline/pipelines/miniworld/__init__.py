"""Rebuilds the embedded models and subjects; promotion over the tracked ones is a separate step."""

from hypnos_pipeline.pipelines.miniworld.pipeline import create_pipeline

__all__ = ["create_pipeline"]
