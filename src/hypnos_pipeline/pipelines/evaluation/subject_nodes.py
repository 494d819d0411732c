"""What the evaluations of all methods of a subject share."""

from __future__ import annotations

from pathlib import Path

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.other_places import OtherPlaces
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import ModelReference


def cut_out_class_prior(
    class_prior: ImageSet, evaluation: EvaluationSettings, matting: ModelReference
) -> OtherPlaces:
    """Cuts out the class prior's first images, which show other places than the photos.

    Args:
        class_prior: Images of the class.
        evaluation: Its ``cut_out`` says by which backend.
        matting: The folder of the backends' networks.
    """
    return OtherPlaces.of(class_prior, evaluation.cut_out, Path(matting.folder))
