"""What nodes of reporting read of many subjects and methods: how such inputs are named, and put in order."""

from __future__ import annotations

import re
from typing import Any

from pydantic import TypeAdapter

from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.prompting.prompt_sets import expand
from hypnos_pipeline.prompting.settings import PromptSetSettings, SubjectSettings
from hypnos_pipeline.prompting.templates import two_clause_prompt
from hypnos_pipeline.reporting.labels import MethodLabel, method_labels
from hypnos_pipeline.training.settings import FAMILIES, Expectation, Methods, training_name

SAMPLES, CURVE, SCORES = "_samples", "_learning_curve", "_scores"
SHEET, PAIRS, BACKGROUNDS = "_sample_sheet", "_pairs", "_backgrounds"
CUT_OUTS = "_cut_out_sheet"
TRAINING, EVALUATION = "_training_report", "_evaluation_report"
FIGURES, PHOTOS, VALUES = "_figures", "_photos", "_image_values"
PREVIEWS, CHECK = "_preview_strip", "_sample_check"
"""What the names of collected inputs end with, behind the method's or subject's name.

A further training's name stands behind the method's: ``hypnos.training_2_scores``.
"""

CURVES_FIGURE = "learning_curves_figure"
"""The dataset that a subject has only where a method is trained."""


def labels_of(methods: dict) -> list[MethodLabel]:
    """Returns the study's methods as tables name and order them, whatever Kedro made of their entries."""
    validated = Methods.model_validate(methods)
    return method_labels({family: getattr(validated, family) for family in FAMILIES})


def expectations_of(methods: dict) -> dict[str, tuple[Expectation, ...]]:
    """Returns method to what the paper expects of it, in tables' order."""
    validated = Methods.model_validate(methods)
    stated = {
        name: settings.expectations
        for family in FAMILIES
        for name, settings in getattr(validated, family).items()
    }
    return {method.name: stated[method.name] for method in labels_of(methods)}


def kinds_of(subjects: dict) -> dict[str, str]:
    """Returns the kind of every subject's photos, empty where the study does not say."""
    known = TypeAdapter(dict[str, SubjectSettings]).validate_python(subjects)
    return {name: settings.kind or "" for name, settings in known.items()}


def own_prompt_sets(prompt_sets: dict, augmentation: AugmentationSettings, seed: int) -> set[str]:
    """Returns the prompt sets that hold no other prompts than those of HYPNOS's pool.

    Args:
        prompt_sets: The study's.
        augmentation: Of the pool, whose colours its prompts name.
        seed: The study's.
    """
    colours = AugmentationSettings.model_validate(augmentation).colours
    pool = {two_clause_prompt("{subject}", colour) for colour in colours}
    known = TypeAdapter(dict[str, PromptSetSettings]).validate_python(prompt_sets)
    return {name for name, settings in known.items() if pool.issuperset(expand(settings, name, seed))}


def by_label(methods: dict, collected: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Orders collected inputs as tables do and keys them by printed label."""
    labels = {f"{method.name}{suffix}": method.label for method in labels_of(methods)}
    return {label: collected[name] for name, label in labels.items() if name in collected}


def by_training(name: str, collected: dict[str, Any], suffix: str) -> dict[int, Any]:
    """Returns a method's collected inputs by the number of the training, from 1."""
    found: dict[int, Any] = {}
    while (key := training_name(name, len(found) + 1) + suffix) in collected:
        found[len(found) + 1] = collected[key]
    return found


def training_of(key: str) -> int:
    """Returns which training a collected input of a method is of, by its name."""
    found = re.search(r"\.training_(\d+)_", key)
    return int(found[1]) if found else 1


def labelled_trainings(methods: dict, collected: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Returns the inputs of all trainings as :func:`by_label` does; a further one's label has its number."""
    return {
        each.label if training == 1 else f"{each.label}, training {training}": value
        for each in labels_of(methods)
        for training, value in by_training(each.name, collected, suffix).items()
    }


def comparisons_of(methods: dict) -> list[tuple[str, str]]:
    """Returns which methods are compared in pairs: the first entry of HYPNOS with every DreamBooth."""
    families = Methods.model_validate(methods)
    return [(ours, theirs) for ours in [*families.hypnos][:1] for theirs in families.dreambooth]
