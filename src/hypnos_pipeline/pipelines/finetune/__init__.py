"""Finetune: cached latents → a finetuned model or a learned token, per subject and method."""

from hypnos_pipeline.pipelines.finetune.pipeline import create_pipeline

__all__ = ["create_pipeline"]
