"""Nodes of reporting that work within one subject.

Kedro resolves the annotations of a node while pipelines are read; those that would import pandas there are
left to the docstrings.
"""

from __future__ import annotations

from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.pipelines.reporting.collected import (
    CHECK,
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
from hypnos_pipeline.training.settings import Methods

COMPARISON = (
    "Photos and all methods on the same prompts (Fig. 5). Red: the prompt that names the subject alone; "
    "yellow: varying; green: scene and subject each with a colour; blue: requested backgrounds"
)
ABLATIONS = "HYPNOS and its ablations, same prompts and noise (Fig. 12)"
FIRST = "First seeds in order, none chosen (Figs. 9 to 11)"
FLAGGED = "What the checks flag, and why (Fig. 8)"
CURVES = "Loss by training step (Fig. 7b)"
ATTENTION = "Where each of the discriminator's heads looks, [CLS] in the last block (Fig. 3b)"


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


def write_subject_page(
    matte_sheet: Image.Image,
    matte_report: list,
    pool_sheet: Image.Image,
    class_prior_sheet: Image.Image,
    class_prior_report: dict,
    discriminator_attention: Image.Image,
    discriminator_curve,
    discriminator_report: dict,
    comparison_grid: Image.Image,
    first_samples: Image.Image,
    ablation_grid: Image.Image,
    flagged_failures: Image.Image,
    subject_photos: Image.Image,
    methods: dict,
    *,
    subject: str,
    learning_curves_figure: Image.Image | None = None,
    **of_methods,
) -> str:
    """Collects all that a subject's stages leave to be looked at, so that its namespace hands out one page.

    Args:
        matte_sheet: Photos, mattes and cut-outs.
        matte_report: A row for each photo's matte.
        pool_sheet: The augmented pool.
        class_prior_sheet: Images of the class.
        class_prior_report: The network and the machine that made them.
        discriminator_attention: Where the latent discriminator looks.
        discriminator_curve: Its learning curve.
        discriminator_report: Its accuracy by kind of image.
        comparison_grid: All methods beside each other.
        first_samples: Their first seeds in order.
        ablation_grid: HYPNOS and its ablations.
        flagged_failures: What the checks flag.
        subject_photos: The working photos.
        methods: The study's, for labels and order.
        subject: Its name.
        learning_curves_figure: All methods' losses, if any method is trained.
        of_methods: ``<method>_sample_sheet``, ``_sample_check``, ``_pairs``, ``_evaluation_report`` and, if
            trained, ``_preview_strip`` and ``_training_report``.
    """
    from hypnos_pipeline.reporting.subject_page import (
        Section,
        matte_rows,
        spread,
        subject_page,
        thinned_curve,
    )

    curve = thinned_curve(discriminator_curve)
    drawn = (comparison_grid, first_samples, ablation_grid, flagged_failures, learning_curves_figure)
    figures = [each for each in drawn if each is not None]
    sections = [
        Section("Photos", [subject_photos]),
        Section("Background removal", [matte_sheet, matte_rows(matte_report)]),
        Section("Augmentation", [pool_sheet]),
        Section("Class prior", [class_prior_sheet, class_prior_report]),
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
    first_samples: Image.Image,
    ablation_grid: Image.Image,
    flagged_failures: Image.Image,
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
        first_samples: Their first seeds in order.
        ablation_grid: HYPNOS and its ablations.
        flagged_failures: What the checks flag.
        discriminator_attention: Where the latent discriminator looks.
        methods: The study's, for labels and order.
        learning_curves_figure: All methods' losses, if any method is trained.
        of_methods: ``<method>_samples``, ``_pairs``, ``_sample_sheet``, ``_sample_check`` and, if trained,
            ``_preview_strip``.
    """
    from hypnos_pipeline.metrics.foreground import CutOuts
    from hypnos_pipeline.reporting.subject_figures import Group, subject_figures

    figures = [(Group.COMPARISON, COMPARISON, comparison_grid)]
    if len(Methods.model_validate(methods).hypnos) > 1:
        figures.append((Group.ABLATIONS, ABLATIONS, ablation_grid))
    figures.append((Group.FIRST_SAMPLES, FIRST, first_samples))
    figures.append((Group.FLAGGED_FAILURES, FLAGGED, flagged_failures))
    if learning_curves_figure is not None:
        figures.append((Group.LEARNING_CURVES, CURVES, learning_curves_figure))
    figures.append((Group.ATTENTION, ATTENTION, discriminator_attention))
    for suffix, group in ((PREVIEWS, Group.WHILE_TRAINING), (SHEET, Group.CONTACT_SHEETS)):
        figures += [(group, label, sheet) for label, sheet in by_label(methods, of_methods, suffix).items()]
    names = [method.name for method in labels_of(methods)]
    samples, pairs = ({name: of_methods[name + kind] for name in names} for kind in (SAMPLES, PAIRS))
    cut_outs = CutOuts.of(true_mattes, true_foregrounds)
    checks = _checks(methods, of_methods)
    return subject_figures(working_photos, cut_outs, samples, pairs, figures, checks)


def _checks(methods: dict, of_methods: dict) -> list[dict]:
    """Returns what was found of backgrounds under scene prompts, each method's beside the base model's."""
    from hypnos_pipeline.imaging.constant_backgrounds import beside_base

    base = next((method.label for method in labels_of(methods) if method.reference), None)
    return beside_base(by_label(methods, of_methods, CHECK), base)
