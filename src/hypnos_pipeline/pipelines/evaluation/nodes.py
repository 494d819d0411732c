"""Nodes of the pipeline ``evaluation``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import ModelsSettings, RuntimeSettings

if TYPE_CHECKING:
    import torch

    from hypnos_pipeline.models.text_to_image import TextToImage


# No return annotation: Kedro resolves all of a node's at runtime, where pandas is not imported.
def evaluate(
    samples: ImageSet,
    working_photos: ImageSet,
    models: ModelsSettings,
    evaluation: EvaluationSettings,
    runtime: RuntimeSettings,
    finetuned: Path | None = None,
    *,
    subject: str,
    method: str,
):
    """Takes every metric of one subject and method over all its prompt sets.

    Args:
        samples: Generated images with prompts in their manifest.
        working_photos: The subject's photos at working size.
        models: References of the metrics' networks and of the base model.
        evaluation: Which metrics, in which batches.
        runtime: Device and threads.
        finetuned: Folder of the finetuned model; None for ``base``, where the base model stands for it.
        subject: Name for the scores.
        method: Name for the scores.

    Returns:
        The data frames ``pairs`` and ``scores``, see ``metrics.evaluate.evaluate_samples``.
    """
    from hypnos_pipeline.metrics.evaluate import evaluate_samples
    from hypnos_pipeline.metrics.features import load_metric_networks
    from hypnos_pipeline.models.runtime import configure

    device = configure(runtime)
    model = None
    if "clip_t_paper" in evaluation.metrics:
        model = _finetuned_or_base(finetuned, models, device)
    return evaluate_samples(
        samples,
        working_photos,
        load_metric_networks(models, evaluation.metrics, device),
        metrics=evaluation.metrics,
        batch=evaluation.batch,
        subject=subject,
        method=method,
        model=model,
    )


def _finetuned_or_base(finetuned: Path | None, models: ModelsSettings, device: torch.device) -> TextToImage:
    from hypnos_pipeline.models.finetuned import load_finetuned
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    if finetuned is None:
        return load_text_to_image(locate(models.text_to_image), device)
    return load_finetuned(finetuned, models.text_to_image, device)
