"""Pipeline ``reporting``: cells, tables and figures from everything before it."""

from hypnos_pipeline.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
