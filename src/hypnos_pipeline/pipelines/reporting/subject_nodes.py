"""Nodes of reporting that work within one subject.

Kedro resolves the annotations of a node while pipelines are read; those that would import pandas there are
left to the docstrings.
"""

from __future__ import annotations

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.pipelines.reporting.collected import (
    CHECK,
    CURVE,
    EVALUATION,
    PAIRS,
    PREVIEWS,
    SAMPLES,
    SHEET,
    TRAINING,
    by_label,
    labels_of,
)
from hypnos_pipeline.reporting.labels import subject_label
from hypnos_pipeline.training.settings import Methods


def compare_methods(
    working_photos: ImageSet, methods: dict, *, subject: str, **samples: ImageSet
) -> Image.Image:
    """Draws one subject's photos above every method's images of the same prompts (Fig. 5).

    Args:
        working_photos: The subject's.
        methods: The study's, for labels and order.
        subject: Its name.
        samples: ``<method>_samples`` to the method's images.
    """
    from hypnos_pipeline.reporting.comparison_grid import comparison_grid

    return comparison_grid(working_photos, by_label(methods, samples, SAMPLES), subject_label(subject))


def draw_learning_curves(methods: dict, *, subject: str, **curves) -> Image.Image:
    """Draws one subject's learning curves (Fig. 7b); ``<method>_learning_curve`` to a data frame."""
    from hypnos_pipeline.reporting.figures import learning_curves

    return learning_curves(by_label(methods, curves, CURVE), subject_label(subject))


def collect_subject_scores(**scores):
    """Joins one subject's scores of all methods, so that nothing outside its namespace reads many leaves."""
    from hypnos_pipeline.reporting.cells import join_scores

    return join_scores(scores.values())


def compare_backgrounds(methods: dict, seed: int, *, subject: str, **of_methods):
    """Puts intervals to one subject's metrics of asked backgrounds, and to HYPNOS's lead over DreamBooth.

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


def write_subject_page(
    matte_sheet: Image.Image,
    matte_report: list,
    pool_sheet: Image.Image,
    class_prior_sheet: Image.Image,
    discriminator_attention: Image.Image,
    discriminator_curve,
    discriminator_report: dict,
    comparison_grid: Image.Image,
    methods: dict,
    *,
    subject: str,
    learning_curves_figure: Image.Image | None = None,
    **of_methods,
) -> str:
    """Collects all that a subject's stages leave to be looked at, so that its namespace hands out one page.

    Args:
        matte_sheet: Photos, mattes and cut-outs.
        matte_report: What was found of each photo's matte.
        pool_sheet: The augmented pool.
        class_prior_sheet: What the untouched model makes of the class.
        discriminator_attention: Where the latent discriminator looks.
        discriminator_curve: Its learning curve.
        discriminator_report: Its accuracy by kind of image.
        comparison_grid: All methods beside each other.
        methods: The study's, for labels and order.
        subject: Its name.
        learning_curves_figure: All methods' losses, if any method is trained.
        of_methods: ``<method>_sample_sheet``, ``_sample_check``, ``_pairs``, ``_evaluation_report`` and, if
            trained, ``_preview_strip`` and ``_training_report``.
    """
    from hypnos_pipeline.reporting.subject_page import Section, spread, subject_page, thinned_curve

    curve = thinned_curve(discriminator_curve)
    figures = [each for each in (comparison_grid, learning_curves_figure) if each is not None]
    sections = [
        Section("Background removal", [matte_sheet, matte_report]),
        Section("Augmentation", [pool_sheet]),
        Section("Class prior", [class_prior_sheet]),
        Section("Latent discriminator", [discriminator_attention, curve, discriminator_report]),
        Section("All methods", figures),
    ]
    labels = {method.name: method.label for method in labels_of(methods)}
    checks = _checks(methods, of_methods)
    if checks:
        sections.append(Section("Backgrounds of scene prompts", [checks]))
    for name, label in labels.items():
        training = [of_methods[name + kind] for kind in (PREVIEWS, TRAINING) if name + kind in of_methods]
        networks = of_methods[name + EVALUATION]["networks"]
        values = spread(of_methods[name + PAIRS])
        replicates = of_methods[name + EVALUATION].get("replicates", [])
        evaluated = [values, *([replicates] if replicates else []), {"networks": networks}]
        sections.append(Section(label, [of_methods[name + SHEET], *training, *evaluated]))
    return subject_page(subject_label(subject), sections)


def collect_subject_figures(
    working_photos: ImageSet,
    true_mattes: ImageSet,
    true_foregrounds: ImageSet,
    comparison_grid: Image.Image,
    discriminator_attention: Image.Image,
    methods: dict,
    *,
    learning_curves_figure: Image.Image | None = None,
    **of_methods,
) -> dict:
    """Collects one subject's figures and every cell's extremes for the study's page.

    Args:
        working_photos: The subject's.
        true_mattes: Theirs, as far as they are known.
        true_foregrounds: Under these mattes.
        comparison_grid: All methods beside each other.
        discriminator_attention: Where the latent discriminator looks.
        methods: The study's, for labels and order.
        learning_curves_figure: All methods' losses, if any method is trained.
        of_methods: ``<method>_samples``, ``_pairs``, ``_sample_sheet``, ``_sample_check`` and, if trained,
            ``_preview_strip``.
    """
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.reporting.subject_figures import subject_figures

    figures = [("Comparison", "Photos and all methods on the same prompts", comparison_grid)]
    if learning_curves_figure is not None:
        figures.append(("Learning curves", "Loss by training step", learning_curves_figure))
    figures.append(("Discriminator attention", "Where the discriminator looks", discriminator_attention))
    labels = {method.name: method.label for method in labels_of(methods)}
    for kind, group in ((PREVIEWS, "While training"), (SHEET, "Contact sheets")):
        for name, label in labels.items():
            if name + kind in of_methods:
                figures.append((group, label, of_methods[name + kind]))
    samples, pairs = ({name: of_methods[name + kind] for name in labels} for kind in (SAMPLES, PAIRS))
    cut_outs = CutOuts.of(true_mattes, true_foregrounds)
    checks = _checks(methods, of_methods)
    return subject_figures(working_photos, cut_outs, samples, pairs, figures, checks)


def _checks(methods: dict, of_methods: dict) -> list[dict]:
    """Returns what was found of backgrounds under scene prompts, each method's beside the base model's."""
    from hypnos_pipeline.imaging.constant_backgrounds import beside_base

    base = next((method.label for method in labels_of(methods) if method.reference), None)
    return beside_base(by_label(methods, of_methods, CHECK), base)
