"""Images of every prompt set from every method, with the same noise (method.md §8)."""

from hypnos_pipeline.pipelines.sampling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
