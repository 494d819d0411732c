"""Nodes of reporting that bring all subjects together.

Kedro resolves the annotations of a node while pipelines are read; those that would import pandas there are
left to the docstrings. The maps of subjects and methods are annotated as plain dicts and validated here:
other pipelines have Kedro make models of their single entries, so the maps may hold either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PIL import Image
from pydantic import TypeAdapter

from hypnos_pipeline.imaging.settings import AugmentationSettings
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.pipelines.reporting.collected import (
    BACKGROUNDS,
    FIGURES,
    PHOTOS,
    VALUES,
    comparisons_of,
    expectations_of,
    kinds_of,
    labels_of,
    own_prompt_sets,
)
from hypnos_pipeline.prompting.settings import PromptSetSettings, SubjectSettings
from hypnos_pipeline.training.settings import Methods

TRAINED_ON = "The photos that all methods learn from (Fig. 6)"
HEADINGS = ("Table 1: prompt invariant", "Table 2: prompt varying", "Invariant minus varying")
PROMPTS = "How a varying prompt is composed: the lists, and the first prompts drawn from them (Fig. 4)"
LOSS = (
    "The loss for the study's σ and others (Fig. 7a). Drawn from Eq. 2; the function in the caption of the "
    "paper's figure, (1/gaussian) − 1, is another"
)


def collect_study_cells(subjects: dict, methods: dict, prompt_sets: dict, **scores):
    """Makes the data frames of ``cells.csv`` and ``cells_wide.csv``, ``metrics.json`` and ``headline``.

    Args:
        subjects: The study's subjects, for their order and the paper's rows.
        methods: The study's.
        prompt_sets: The study's, for their order.
        scores: ``<subject>_scores`` to a data frame.

    Returns:
        The cells, their means by prompt set, subject, method and metric, the few that are shown of each
        method, and the means a column per metric.
    """
    from hypnos_pipeline.metrics.registry import METRICS
    from hypnos_pipeline.reporting.cells import collect_cells, metrics_tree, wide_cells
    from hypnos_pipeline.reporting.headline import headlines

    known = TypeAdapter(dict[str, SubjectSettings]).validate_python(subjects)
    cells = collect_cells(
        scores.values(),
        prompt_sets=list(prompt_sets),
        subjects=list(known),
        methods=[method.name for method in labels_of(methods)],
        metrics=list(METRICS),
        paper_rows={name: settings.paper_row for name, settings in known.items()},
    )
    return cells, metrics_tree(cells), headlines(cells), wide_cells(cells)


def write_tables(
    cells, subjects: dict, methods: dict, evaluation: EvaluationSettings, **networks
) -> tuple[str, ...]:
    """Writes Table 1, Table 2 and their difference, each as Markdown and as LaTeX, with their networks."""
    return _rendered(*_tables(cells, _scope(subjects, methods, evaluation, networks, requested_colour=False)))


def write_backgrounds(
    subjects: dict,
    methods: dict,
    prompt_sets: dict,
    augmentation: AugmentationSettings,
    evaluation: EvaluationSettings,
    seed: int,
    **read,
) -> tuple[str, ...]:
    """Writes the table of requested background colours, as Markdown and as LaTeX.

    Args:
        subjects: The study's, for their order.
        methods: The study's.
        prompt_sets: The study's.
        augmentation: Of the pool, whose prompts HYPNOS trains on.
        evaluation: Which metrics were taken.
        seed: The study's.
        read: ``<subject>_backgrounds`` to a data frame; the networks by name.
    """
    from hypnos_pipeline.reporting.backgrounds import backgrounds_table

    intervals = {name: read.pop(name + BACKGROUNDS) for name in subjects}
    own = own_prompt_sets(prompt_sets, augmentation, seed)
    scope = _scope(subjects, methods, evaluation, read, requested_colour=True)
    return _rendered(backgrounds_table(intervals, replace(scope, own_prompts=own)))


def weigh_expectations(
    subjects: dict, methods: dict, evaluation: EvaluationSettings, seed: int, **read
) -> tuple:
    """Compares what the paper expects of the methods with what was measured (paper 4.1.3, 4.2, 0.E, 0.F).

    Args:
        subjects: The study's, for their order.
        methods: The study's, with their expectations.
        evaluation: Which metrics were taken.
        seed: The study's.
        read: ``<subject>_image_values`` to a data frame; the networks by name.

    Returns:
        The data frame of ``ablations.csv``, and its table as Markdown and as LaTeX.
    """
    from hypnos_pipeline.reporting.expectations import weigh

    values = {name: read.pop(name + VALUES) for name in subjects}
    weighed = weigh(expectations_of(methods), values, seed)
    return weighed, *_rendered(_ablations(weighed, subjects, methods, evaluation, read))


def write_study_page(
    cells,
    ablations,
    recorded_findings,
    loss_curve_figure: Image.Image,
    instance_images_figure: Image.Image,
    prompt_grammar_figure: Image.Image,
    subjects: dict,
    methods: dict,
    prompt_sets: dict,
    augmentation: AugmentationSettings,
    evaluation: EvaluationSettings,
    seed: int,
    env: str,
    image_size: int,
    **read,
) -> str:
    """Writes the page of the whole study.

    Args:
        cells: The study's, a data frame.
        ablations: The outcomes of the expectations, a data frame.
        recorded_findings: The recorded findings, a data frame, perhaps without rows.
        loss_curve_figure: Eq. 2's.
        instance_images_figure: All subjects' photos.
        prompt_grammar_figure: How a varying prompt is composed.
        subjects: The study's, for their order.
        methods: The study's.
        prompt_sets: The study's.
        augmentation: Of the pool, whose prompts HYPNOS trains on.
        evaluation: Which metrics were taken, and which recorded findings are shown.
        seed: The study's.
        env: The environment, for the commands on the page.
        image_size: Working size in pixels.
        read: ``<subject>_figures``, ``_backgrounds`` and ``_image_values``; the networks by name.
    """
    from hypnos_pipeline.reporting import findings
    from hypnos_pipeline.reporting.backgrounds import backgrounds_table
    from hypnos_pipeline.reporting.cells import by_key
    from hypnos_pipeline.reporting.page import Figure, Page, study_title
    from hypnos_pipeline.reporting.page_tables import other_cells_table

    intervals = {name: read.pop(name + BACKGROUNDS) for name in subjects}
    parts = {name: read.pop(name + FIGURES) for name in subjects}
    values = {name: read.pop(name + VALUES) for name in subjects}
    others, requested = (
        _scope(subjects, methods, evaluation, read, requested_colour=kind) for kind in (False, True)
    )
    labels, own = labels_of(methods), own_prompt_sets(prompt_sets, augmentation, seed)
    coloured = backgrounds_table(intervals, replace(requested, own_prompts=own), by_key(cells))
    headed = [
        *zip(HEADINGS, _tables(cells, others), strict=True),
        ("Requested backgrounds", coloured),
        ("Other prompt sets", other_cells_table(cells, labels, own)),
        ("Ablations", _ablations(ablations, subjects, methods, evaluation, read) if len(ablations) else None),
    ]
    return Page(
        title=study_title(list(subjects)),
        env=env,
        image_size=image_size,
        cells=cells,
        methods=labels,
        parts=parts,
        backgrounds=intervals,
        values=values,
        kinds=kinds_of(subjects),
        comparisons=comparisons_of(methods),
        own_prompts=own,
        recorded=findings.recorded_findings(recorded_findings, evaluation.findings, values, labels)
        if evaluation.findings
        else None,
        tables=[(heading, table) for heading, table in headed if table is not None],
        figures=[
            Figure("The photos (Fig. 6)", TRAINED_ON, instance_images_figure),
            Figure("Varying prompts (Fig. 4)", PROMPTS, prompt_grammar_figure),
            Figure("Eq. 2 (Fig. 7a)", LOSS, loss_curve_figure),
        ],
    ).html()


def draw_prompt_grammar(prompt_sets: dict, seed: int) -> Image.Image:
    """Draws how the prompts of the study's first grammar are composed (Fig. 4); without one, a notice."""
    from hypnos_pipeline.reporting.prompt_grammar import no_grammar, prompt_grammar

    known = TypeAdapter(dict[str, PromptSetSettings]).validate_python(prompt_sets)
    grammars = [(name, settings) for name, settings in known.items() if settings.kind == "grammar"]
    return prompt_grammar(*grammars[0], seed) if grammars else no_grammar()


def join_photos(subjects: dict, **photos: Image.Image) -> Image.Image:
    """Puts all subjects' photos below one another (Fig. 6); ``<subject>_photos`` to a picture."""
    from hypnos_pipeline.reporting.captioned import stacked

    return stacked([photos[name + PHOTOS] for name in subjects])


def draw_loss_curve(methods: dict) -> Image.Image:
    """Draws Eq. 2 for the study's σ and others (Fig. 7a)."""
    from hypnos_pipeline.reporting.figures import loss_curve, sigma_variants

    hypnos = Methods.model_validate(methods).hypnos
    return loss_curve(sigma_variants(method.reconstruction for method in hypnos.values()))


def _ablations(
    weighed, subjects: dict, methods: dict, evaluation: EvaluationSettings, networks: dict[str, Any]
):
    """Returns the table of the expectations' outcomes, with the sources of its metrics alone."""
    from hypnos_pipeline.reporting.ablations import ablations_table

    taken = set(weighed["metric"])
    measured = evaluation.model_copy(update={"metrics": [m for m in evaluation.metrics if m in taken]})
    sources = [
        line
        for kind in (False, True)
        for line in _scope(subjects, methods, measured, networks, requested_colour=kind).sources
    ]
    return ablations_table(
        weighed, expectations_of(methods), labels_of(methods), list(dict.fromkeys(sources))
    )


def _rendered(*tables) -> tuple[str, ...]:
    """Returns every table as Markdown and as LaTeX."""
    from hypnos_pipeline.reporting.table import to_latex, to_markdown

    return tuple(render(table) for table in tables for render in (to_markdown, to_latex))


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
    requested_colour: bool,
):
    """Returns a table's methods and subjects, with the sources of those metrics alone that it can hold."""
    from hypnos_pipeline.metrics.registry import METRICS
    from hypnos_pipeline.reporting.sources import source_lines
    from hypnos_pipeline.reporting.tables import OUR_COLUMNS, PAPER_COLUMNS, Scope

    columns = {*PAPER_COLUMNS, *OUR_COLUMNS}
    metrics = [
        name
        for name in evaluation.metrics
        if (METRICS[name].requested_colour if requested_colour else name in columns)
    ]
    references = {name: ModelReference.model_validate(network) for name, network in networks.items()}
    return Scope(labels_of(methods), list(subjects), source_lines(references, metrics))
