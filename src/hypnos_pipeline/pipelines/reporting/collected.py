"""What nodes of reporting read of many subjects and methods: how such inputs are named, and put in order."""

from __future__ import annotations

from typing import Any

from hypnos_pipeline.reporting.labels import MethodLabel, method_labels
from hypnos_pipeline.training.settings import FAMILIES, Methods

SAMPLES, CURVE, SCORES = "_samples", "_learning_curve", "_scores"
SHEET, PAIRS, BACKGROUNDS = "_sample_sheet", "_pairs", "_backgrounds"
TRAINING, EVALUATION = "_training_report", "_evaluation_report"
FIGURES = "_figures"
PREVIEWS, CHECK = "_preview_strip", "_sample_check"
"""What the names of collected inputs end with, behind the method's or subject's name."""


def labels_of(methods: dict) -> list[MethodLabel]:
    """Returns the study's methods as tables name and order them, whatever Kedro made of their entries."""
    validated = Methods.model_validate(methods)
    return method_labels({family: getattr(validated, family) for family in FAMILIES})


def by_label(methods: dict, collected: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Orders collected inputs as tables do and keys them by printed label."""
    labels = {f"{method.name}{suffix}": method.label for method in labels_of(methods)}
    return {label: collected[name] for name, label in labels.items() if name in collected}
