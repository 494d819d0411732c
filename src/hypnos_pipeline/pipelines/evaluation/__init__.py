"""Pipeline ``evaluation``: every metric of every subject and method."""

from hypnos_pipeline.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
