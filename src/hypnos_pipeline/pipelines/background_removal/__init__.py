"""Background removal: raw photos → working squares, mattes, foreground colours, a report and a sheet."""

from hypnos_pipeline.pipelines.background_removal.pipeline import create_pipeline

__all__ = ["create_pipeline"]
