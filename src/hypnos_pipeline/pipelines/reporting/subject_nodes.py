"""Nodes of reporting that work within one subject.

Kedro resolves the annotations of a node while pipelines are read; those that would import pandas there are
left to the docstrings.
"""

from __future__ import annotations

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.pipelines.reporting.collected import (
    CHECK,
    CURVES_FIGURE,
    EVALUATION,
    PAIRS,
    PREVIEWS,
    SAMPLES,
    SHEET,
    TRAINING,
    by_label,
    expectations_of,
    labels_of,
)
from hypnos_pipeline.reporting.labels import subject_label
from hypnos_pipeline.reporting.subject_figures import Group
from hypnos_pipeline.training.settings import Methods

SECTIONS = {
    "Photos": ("subject_photos",),
    "Background removal": ("matte_sheet", "matte_report"),
    "Augmentation": ("pool_sheet",),
    "Class prior": ("class_prior_sheet", "class_prior_report"),
    "Latent discriminator": ("discriminator_attention", "discriminator_curve", "discriminator_report"),
    "All methods": ("comparison_grid", "first_samples", "ablation_grid", "flagged_failures", CURVES_FIGURE),
}
"""The subject's page: headings, and the datasets below each."""

FIGURES = {
    Group.COMPARISON: (
        "comparison_grid",
        "Photos and all methods on the same prompts (Fig. 5). Red: the prompt that names the subject alone; "
        "yellow: varying; green: scene and subject each with a colour; blue: requested backgrounds",
    ),
    Group.ABLATIONS: ("ablation_grid", "HYPNOS and its ablations, same prompts and noise (Fig. 12)"),
    Group.FIRST_SAMPLES: ("first_samples", "First seeds in order, none chosen (Figs. 9 to 11)"),
    Group.FLAGGED_FAILURES: ("flagged_failures", "What the checks flag, and why (Fig. 8)"),
    Group.LEARNING_CURVES: (CURVES_FIGURE, "Loss by training step (Fig. 7b)"),
    Group.ATTENTION: (
        "discriminator_attention",
        "Where each of the discriminator's heads looks, [CLS] in the last block (Fig. 3b)",
    ),
}
"""The subject's figures on the study's page: headings, and each one's dataset and caption."""


def collect_subject_scores(**scores):
    """Joins one subject's scores of all methods, so that nothing outside its namespace reads many leaves."""
    from hypnos_pipeline.reporting.cells import join_scores

    return join_scores(scores.values())


def compare_backgrounds(methods: dict, seed: int, *, subject: str, **of_methods):
    """Takes intervals of one subject's metrics of requested colours, and of HYPNOS's lead over DreamBooth.

    Args:
        methods: The study's; the first entry of HYPNOS is compared with every DreamBooth.
        seed: The study's.
        subject: Its name.
        of_methods: ``<method>_pairs`` to a data frame, ``<method>_evaluation_report``.

    Returns:
        A data frame, see ``reporting.intervals.background_intervals``.
    """
    from hypnos_pipeline.randomness import numpy_generator
    from hypnos_pipeline.reporting.intervals import background_intervals

    names = [method.name for method in labels_of(methods)]
    families = Methods.model_validate(methods)
    comparisons = [(ours, theirs) for ours in [*families.hypnos][:1] for theirs in families.dreambooth]
    sources = {source for name in names for source in of_methods[name + EVALUATION]["truth"].values()}
    return background_intervals(
        {name: of_methods[name + PAIRS] for name in names},
        comparisons,
        ", ".join(sorted(sources)),
        numpy_generator(seed, f"reporting/backgrounds/{subject}"),
    )


def collect_image_values(methods: dict, **pairs):
    """Collects one subject's values of single images that the methods' expectations are about.

    Args:
        methods: The study's.
        pairs: ``<method>_pairs`` to a data frame.

    Returns:
        A data frame, see ``reporting.expectations.image_values``.
    """
    from hypnos_pipeline.reporting.expectations import image_values

    names = [method.name for method in labels_of(methods)]
    return image_values({name: pairs[name + PAIRS] for name in names}, expectations_of(methods))


def write_subject_page(methods: dict, *, subject: str, **read) -> str:
    """Collects all that a subject's stages leave to be looked at, so that its namespace hands out one page.

    Args:
        methods: The study's, for labels and order.
        subject: Its name.
        read: The datasets of ``SECTIONS`` (no learning curves if no method is trained);
            ``<method>_sample_sheet``, ``_sample_check``, ``_pairs``, ``_evaluation_report`` and, if trained,
            ``_preview_strip`` and ``_training_report``.
    """
    from hypnos_pipeline.reporting.subject_page import matte_rows, spread, subject_page, thinned_curve

    shown = read | {
        "matte_report": matte_rows(read["matte_report"]),
        "discriminator_curve": thinned_curve(read["discriminator_curve"]),
    }
    sections = [
        (heading, [shown[name] for name in names if name in shown]) for heading, names in SECTIONS.items()
    ]
    if checks := _checks(methods, read):
        sections.append(("Backgrounds of scene prompts", [checks]))
    for method in labels_of(methods):
        of_method = [
            read[method.name + kind] for kind in (SHEET, PREVIEWS, TRAINING) if method.name + kind in read
        ]
        evaluation = read[method.name + EVALUATION]
        evaluated = [spread(read[method.name + PAIRS]), {"networks": evaluation["networks"]}]
        if replicates := evaluation.get("replicates"):
            evaluated.insert(1, replicates)
        sections.append((method.label, [*of_method, *evaluated]))
    return subject_page(subject_label(subject), sections)


def collect_subject_figures(
    working_photos: ImageSet, true_mattes: ImageSet, true_foregrounds: ImageSet, methods: dict, **read
) -> dict:
    """Collects one subject's figures and every cell's extremes for the study's page.

    Args:
        working_photos: The subject's.
        true_mattes: Theirs, as far as they are known.
        true_foregrounds: Under these mattes.
        methods: The study's, for labels and order.
        read: The datasets of ``FIGURES`` (no learning curves if no method is trained); ``<method>_samples``,
            ``_pairs``, ``_sample_sheet``, ``_sample_check`` and, if trained, ``_preview_strip``.
    """
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.reporting.subject_figures import subject_figures

    ablated = len(Methods.model_validate(methods).hypnos) > 1
    figures = [
        (group, caption, read[name])
        for group, (name, caption) in FIGURES.items()
        if name in read and (ablated or group is not Group.ABLATIONS)
    ]
    for suffix, group in ((PREVIEWS, Group.WHILE_TRAINING), (SHEET, Group.CONTACT_SHEETS)):
        figures += [(group, label, sheet) for label, sheet in by_label(methods, read, suffix).items()]
    names = [method.name for method in labels_of(methods)]
    samples, pairs = ({name: read[name + kind] for name in names} for kind in (SAMPLES, PAIRS))
    cut_outs = CutOuts.of(true_mattes, true_foregrounds)
    return subject_figures(working_photos, cut_outs, samples, pairs, figures, _checks(methods, read))


def _checks(methods: dict, read: dict) -> list[dict]:
    """Returns the checks of backgrounds under scene prompts, each method's beside the base model's."""
    from hypnos_pipeline.imaging.constant_backgrounds import beside_base

    base = next((method.label for method in labels_of(methods) if method.reference), None)
    return beside_base(by_label(methods, read, CHECK), base)
