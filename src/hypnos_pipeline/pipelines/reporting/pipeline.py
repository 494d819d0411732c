"""Per subject: grid, curves and joined scores; then the study's cells, tables and Eq. 2's curve."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial, update_wrapper

from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipelines.reporting.nodes import (
    CURVE,
    SAMPLES,
    SCORES,
    collect_study_cells,
    collect_subject_scores,
    compare_methods,
    draw_learning_curves,
    draw_loss_curve,
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
    nodes = [
        Node(
            _of(subject, compare_methods),
            {"working_photos": "working_photos", "methods": "params:methods", **samples},
            "comparison_grid",
            name="compare_methods",
        ),
        Node(collect_subject_scores, scores, "subject_scores", name="collect_subject_scores"),
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
        for names, suffix in ((methods, SAMPLES), (methods, SCORES), (trained, CURVE))
        for method in names
    }
    return subject_slice(nodes, subject, inputs=inputs, parameters=["methods"])


def _study_nodes(study: Study) -> list[Node]:
    settings = {"subjects": "params:subjects", "methods": "params:methods"}
    scores = {f"{subject}{SCORES}": f"{subject}.subject_scores" for subject in study.subjects}
    return [
        Node(
            collect_study_cells,
            {**settings, "prompt_sets": "params:prompt_sets", **scores},
            ["cells", "metrics"],
            name="collect_study_cells",
        ),
        Node(
            write_tables,
            {"cells": "cells", **settings, "models": "params:models", "evaluation": "params:evaluation"},
            TABLES,
            name="write_tables",
        ),
        Node(draw_loss_curve, "params:methods", "loss_curve_figure", name="draw_loss_curve"),
    ]


def _leaves(names: list[str], suffix: str) -> dict[str, str]:
    """Maps argument to dataset, both of the same name inside the namespace."""
    return {f"{name}{suffix}": f"{name}{suffix}" for name in names}


def _of(subject: str, function: Callable) -> Callable:
    """Gives a node's function its subject's name, which is no dataset."""
    return update_wrapper(partial(function, subject=subject), function)
