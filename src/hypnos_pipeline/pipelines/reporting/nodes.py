"""Nodes of reporting.

Kedro resolves the annotations of a node while pipelines are read; those that would import pandas there are
left to the docstrings. The maps of subjects and methods are annotated as plain dicts and validated here:
other pipelines have Kedro make models of their single entries, so the maps may hold either.
"""

from __future__ import annotations

from typing import Any

from PIL import Image
from pydantic import TypeAdapter

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.reporting.labels import MethodLabel, method_labels, subject_label
from hypnos_pipeline.training.settings import FAMILIES, Methods

SAMPLES, CURVE, SCORES = "_samples", "_learning_curve", "_scores"
SHEET, PAIRS, BACKGROUNDS = "_sample_sheet", "_pairs", "_backgrounds"
TRAINING, EVALUATION = "_training_report", "_evaluation_report"
FIGURES = "_figures"
PREVIEWS, CHECK = "_preview_strip", "_sample_check"
"""What the names of collected inputs end with, behind the method's or subject's name."""


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

    return comparison_grid(working_photos, _by_label(methods, samples, SAMPLES), subject_label(subject))


def draw_learning_curves(methods: dict, *, subject: str, **curves) -> Image.Image:
    """Draws one subject's learning curves (Fig. 7b); ``<method>_learning_curve`` to a data frame."""
    from hypnos_pipeline.reporting.figures import learning_curves

    return learning_curves(_by_label(methods, curves, CURVE), subject_label(subject))


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

    names = [method.name for method in _labels(methods)]
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
    from hypnos_pipeline.imaging.constant_backgrounds import beside_base
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
    labels = {method.name: method.label for method in _labels(methods)}
    base = next((method.label for method in _labels(methods) if method.reference), None)
    checks = beside_base({label: of_methods[name + CHECK] for name, label in labels.items()}, base)
    if checks:
        sections.append(Section("Backgrounds of scene prompts", [checks]))
    for name, label in labels.items():
        training = [of_methods[name + kind] for kind in (PREVIEWS, TRAINING) if name + kind in of_methods]
        networks = of_methods[name + EVALUATION]["networks"]
        values = spread(of_methods[name + PAIRS])
        sections.append(Section(label, [of_methods[name + SHEET], *training, values, {"networks": networks}]))
    return subject_page(subject_label(subject), sections)


def collect_subject_figures(
    working_photos: ImageSet,
    comparison_grid: Image.Image,
    discriminator_attention: Image.Image,
    methods: dict,
    *,
    learning_curves_figure: Image.Image | None = None,
    **of_methods,
) -> dict:
    """Collects one subject's figures and every cell's extremes for the study's page.

    Args: as ``write_subject_page``'s; of_methods are ``<method>_samples``, ``_pairs``, ``_sample_sheet`` and,
        if trained, ``_preview_strip``.
    """
    from hypnos_pipeline.reporting.subject_figures import subject_figures

    figures = [("Comparison", "Photos and all methods on the same prompts", comparison_grid)]
    if learning_curves_figure is not None:
        figures.append(("Learning curves", "Loss by training step", learning_curves_figure))
    figures.append(("Discriminator attention", "Where the discriminator looks", discriminator_attention))
    labels = {method.name: method.label for method in _labels(methods)}
    for kind, group in ((PREVIEWS, "While training"), (SHEET, "Contact sheets")):
        for name, label in labels.items():
            if name + kind in of_methods:
                figures.append((group, label, of_methods[name + kind]))
    samples, pairs = ({name: of_methods[name + kind] for name in labels} for kind in (SAMPLES, PAIRS))
    return subject_figures(working_photos, samples, pairs, figures)


def collect_study_cells(subjects: dict, methods: dict, prompt_sets: dict, **scores):
    """Makes the data frames of ``cells.csv`` and ``cells_wide.csv`` and ``metrics.json``'s nested means.

    Args:
        subjects: The study's subjects, for their order and the paper's rows.
        methods: The study's.
        prompt_sets: The study's, for their order.
        scores: ``<subject>_scores`` to a data frame.

    Returns:
        The cells, their means by prompt set, subject, method and metric, and the means a column per metric.
    """
    from hypnos_pipeline.metrics.registry import METRICS
    from hypnos_pipeline.reporting.cells import collect_cells, metrics_tree, wide_cells

    known = TypeAdapter(dict[str, SubjectSettings]).validate_python(subjects)
    cells = collect_cells(
        scores.values(),
        prompt_sets=list(prompt_sets),
        subjects=list(known),
        methods=[method.name for method in _labels(methods)],
        metrics=list(METRICS),
        paper_rows={name: settings.paper_row for name, settings in known.items()},
    )
    return cells, metrics_tree(cells), wide_cells(cells)


def write_tables(
    cells,
    subjects: dict,
    methods: dict,
    evaluation: EvaluationSettings,
    **networks: ModelReference,
) -> tuple[str, str, str, str, str, str]:
    """Writes Table 1, Table 2 and their difference, each as Markdown and as LaTeX, with their networks."""
    from hypnos_pipeline.reporting.table import to_latex, to_markdown

    tables = _tables(cells, _scope(subjects, methods, evaluation, networks, asked_colour=False))
    return tuple(render(table) for table in tables for render in (to_markdown, to_latex))


def write_backgrounds(
    subjects: dict, methods: dict, evaluation: EvaluationSettings, **read
) -> tuple[str, str]:
    """Writes what asked backgrounds say of foreground and background, as Markdown and as LaTeX.

    Args:
        subjects: The study's, for their order.
        methods: The study's.
        evaluation: Which metrics were taken.
        read: ``<subject>_backgrounds`` to a data frame; the networks by name.
    """
    from hypnos_pipeline.reporting.backgrounds import backgrounds_table
    from hypnos_pipeline.reporting.table import to_latex, to_markdown

    intervals = {name: read.pop(name + BACKGROUNDS) for name in subjects}
    table = backgrounds_table(intervals, _scope(subjects, methods, evaluation, read, asked_colour=True))
    return to_markdown(table), to_latex(table)


def write_study_page(
    cells,
    loss_curve_figure: Image.Image,
    subjects: dict,
    methods: dict,
    evaluation: EvaluationSettings,
    **read,
) -> str:
    """Writes the page of the whole study.

    Args: the study's, and ``read``: ``<subject>_figures``, ``<subject>_backgrounds``, the networks by name.
    """
    from hypnos_pipeline.reporting.backgrounds import backgrounds_table
    from hypnos_pipeline.reporting.study_page import study_page

    intervals = {name: read.pop(name + BACKGROUNDS) for name in subjects}
    figures = {name: read.pop(name + FIGURES) for name in subjects}
    asked, unasked = (
        _scope(subjects, methods, evaluation, read, asked_colour=asked) for asked in (True, False)
    )
    tables = [*_tables(cells, unasked), backgrounds_table(intervals, asked)]
    return study_page(cells, tables, _labels(methods), figures, loss_curve_figure)


def draw_loss_curve(methods: dict) -> Image.Image:
    """Draws Eq. 2 for the study's σ and others (Fig. 7a)."""
    from hypnos_pipeline.reporting.figures import loss_curve, sigma_variants

    hypnos = Methods.model_validate(methods).hypnos
    return loss_curve(sigma_variants(method.reconstruction for method in hypnos.values()))


def _tables(cells, scope) -> list:
    """Returns Table 1, Table 2 and their difference."""
    from hypnos_pipeline.reporting import tables as known

    makers = (known.prompt_invariant_table, known.prompt_varying_table, known.difference_table)
    return [make(cells, scope) for make in makers]


def _scope(
    subjects: dict,
    methods: dict,
    evaluation: EvaluationSettings,
    networks: dict[str, Any],
    *,
    asked_colour: bool,
):
    """Returns a table's methods and subjects, with the sources of those metrics alone that it can hold."""
    from hypnos_pipeline.metrics.registry import METRICS
    from hypnos_pipeline.reporting.sources import source_lines
    from hypnos_pipeline.reporting.tables import Scope

    metrics = [name for name in evaluation.metrics if METRICS[name].asked_colour == asked_colour]
    references = {name: ModelReference.model_validate(network) for name, network in networks.items()}
    return Scope(_labels(methods), list(subjects), source_lines(references, metrics))


def _labels(methods: dict) -> list[MethodLabel]:
    validated = Methods.model_validate(methods)
    return method_labels({family: getattr(validated, family) for family in FAMILIES})


def _by_label(methods: dict, collected: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Orders collected inputs as tables do and keys them by printed label."""
    labels = {f"{method.name}{suffix}": method.label for method in _labels(methods)}
    return {label: collected[name] for name, label in labels.items() if name in collected}
