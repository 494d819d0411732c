"""Images of the class noun from the untouched base model, or the user's own (method.md §4)."""

from hypnos_pipeline.pipelines.class_prior.pipeline import create_pipeline

__all__ = ["create_pipeline"]
