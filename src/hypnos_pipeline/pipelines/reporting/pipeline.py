"""Per subject: grid, curves, scores, intervals, a page; then the study's cells, tables, page."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial, update_wrapper

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.metrics.settings import NETWORKS
from hypnos_pipeline.pipelines.reporting.collected import (
    BACKGROUNDS,
    CHECK,
    CURVE,
    EVALUATION,
    FIGURES,
    PAIRS,
    PREVIEWS,
    SAMPLES,
    SCORES,
    SHEET,
    TRAINING,
)
from hypnos_pipeline.pipelines.reporting.nodes import (
    collect_study_cells,
    collect_subject_figures,
    collect_subject_scores,
    compare_backgrounds,
    compare_methods,
    draw_learning_curves,
    draw_loss_curve,
    write_backgrounds,
    write_study_page,
    write_subject_page,
    write_tables,
)
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study import Study

TABLES = [
    "table_1_md",
    "table_1_tex",
    "table_2_md",
    "table_2_tex",
    "table_difference_md",
    "table_difference_tex",
]

# What a subject's stages leave to be looked at. One node reads it all: what nothing inside the namespace
# reads would stand beside the subject's box in kedro-viz, two dozen leaves to a subject.
SHOWN = [
    "matte_sheet",
    "matte_report",
    "pool_sheet",
    "class_prior_sheet",
    "discriminator_attention",
    "discriminator_curve",
    "discriminator_report",
    "comparison_grid",
]

FIGURES_READ = [
    "working_photos",
    "true_mattes",
    "true_foregrounds",
    "comparison_grid",
    "discriminator_attention",
]

OF_METHODS, OF_TRAINED = (SAMPLES, SCORES, SHEET, CHECK, PAIRS, EVALUATION), (CURVE, PREVIEWS, TRAINING)


def create_pipeline(study: Study) -> Pipeline:
    """Returns the reporting of every subject and of the study."""
    with warnings.catch_warnings():
        # Kedro warns of dotted names outside a namespace; to read every subject's scores is the point here.
        warnings.filterwarnings("ignore", message="One or more dataset names contain '.'")
        whole_study = Pipeline(_study_nodes(study), tags="study")
    return sum((_subject(study, subject) for subject in study.subjects), whole_study)


def _subject(study: Study, subject: str) -> Pipeline:
    """Returns one subject's slice; whatever it reads of the methods is mapped by name."""
    methods = [method for _, method in study.entries()]
    trained = [method for family, method in study.entries() if family != "base"]
    samples, scores = _leaves(methods, SAMPLES), _leaves(methods, SCORES)
    curves = _leaves(trained, CURVE)
    drawn = ["learning_curves_figure"] if curves else []
    shown = {name: name for name in [*SHOWN, *drawn]}
    shown |= _leaves(trained, TRAINING) | _leaves(trained, PREVIEWS)
    for suffix in (SHEET, CHECK, PAIRS, EVALUATION):
        shown |= _leaves(methods, suffix)
    figures = {name: name for name in [*FIGURES_READ, *drawn]} | _leaves(trained, PREVIEWS) | samples
    figures |= _leaves(methods, SHEET) | _leaves(methods, PAIRS) | _leaves(methods, CHECK)
    nodes = [
        Node(
            _of(subject, compare_methods),
            {"working_photos": "working_photos", "methods": "params:methods", **samples},
            "comparison_grid",
            name="compare_methods",
        ),
        Node(collect_subject_scores, scores, "subject_scores", name="collect_subject_scores"),
        Node(
            _of(subject, compare_backgrounds),
            {
                "methods": "params:methods",
                "seed": "params:seed",
                **_leaves(methods, PAIRS),
                **_leaves(methods, EVALUATION),
            },
            "subject_backgrounds",
            name="compare_backgrounds",
        ),
        Node(
            _of(subject, write_subject_page),
            {"methods": "params:methods", **shown},
            "subject_page",
            name="write_subject_page",
        ),
        Node(
            collect_subject_figures,
            {"methods": "params:methods", **figures},
            "subject_figures",
            name="collect_subject_figures",
        ),
    ]
    if curves:
        nodes.append(
            Node(
                _of(subject, draw_learning_curves),
                {"methods": "params:methods", **curves},
                "learning_curves_figure",
                name="draw_learning_curves",
            )
        )
    inputs = {
        f"{method}{suffix}": f"{subject}.{method}.{suffix[1:]}"
        for names, suffixes in ((methods, OF_METHODS), (trained, OF_TRAINED))
        for method in names
        for suffix in suffixes
    }
    return subject_slice(nodes, subject, inputs=inputs, parameters=["methods", "seed"])


def _study_nodes(study: Study) -> list[Node]:
    settings = {"subjects": "params:subjects", "methods": "params:methods"}
    scores = {f"{subject}{SCORES}": f"{subject}.subject_scores" for subject in study.subjects}
    backgrounds = {f"{subject}{BACKGROUNDS}": f"{subject}.subject_backgrounds" for subject in study.subjects}
    figures = {f"{subject}{FIGURES}": f"{subject}.subject_figures" for subject in study.subjects}
    networks = {name: f"params:models.{name}" for name in NETWORKS}
    return [
        Node(
            collect_study_cells,
            {**settings, "prompt_sets": "params:prompt_sets", **scores},
            ["cells", "metrics", "cells_wide"],
            name="collect_study_cells",
        ),
        Node(
            write_tables,
            {"cells": "cells", **settings, "evaluation": "params:evaluation", **networks},
            TABLES,
            name="write_tables",
        ),
        Node(
            write_backgrounds,
            {**settings, "evaluation": "params:evaluation", **networks, **backgrounds},
            ["backgrounds_md", "backgrounds_tex"],
            name="write_backgrounds",
        ),
        Node(
            write_study_page,
            {
                "cells": "cells",
                "loss_curve_figure": "loss_curve_figure",
                "env": "params:env",
                **settings,
                "evaluation": "params:evaluation",
                **networks,
                **backgrounds,
                **figures,
            },
            "study_page",
            name="write_study_page",
        ),
        Node(draw_loss_curve, "params:methods", "loss_curve_figure", name="draw_loss_curve"),
    ]


def _leaves(names: list[str], suffix: str) -> dict[str, str]:
    """Maps argument to dataset, both of the same name inside the namespace."""
    return {f"{name}{suffix}": f"{name}{suffix}" for name in names}


def _of(subject: str, function: Callable) -> Callable:
    """Gives a node's function its subject's name, which is no dataset."""
    return update_wrapper(partial(function, subject=subject), function)
