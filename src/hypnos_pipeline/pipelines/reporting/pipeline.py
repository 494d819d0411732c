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
    PHOTOS,
    PREVIEWS,
    SAMPLES,
    SCORES,
    SHEET,
    TRAINING,
    VALUES,
)
from hypnos_pipeline.pipelines.reporting.nodes import (
    collect_image_values,
    collect_study_cells,
    collect_subject_figures,
    collect_subject_scores,
    compare_backgrounds,
    compare_methods,
    draw_ablation_grid,
    draw_flagged_failures,
    draw_learning_curves,
    draw_loss_curve,
    draw_photos,
    draw_prompt_grammar,
    join_photos,
    weigh_expectations,
    write_backgrounds,
    write_study_page,
    write_subject_page,
    write_tables,
)
from hypnos_pipeline.pipelines.slices import subject_slice
from hypnos_pipeline.study.model import Study

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
    "class_prior_report",
    "discriminator_attention",
    "discriminator_curve",
    "discriminator_report",
    "comparison_grid",
    "first_samples",
    "ablation_grid",
    "flagged_failures",
    "subject_photos",
]

FIGURES_READ = [
    "working_photos",
    "true_mattes",
    "true_foregrounds",
    "comparison_grid",
    "first_samples",
    "ablation_grid",
    "flagged_failures",
    "discriminator_attention",
]

PHOTOS_FIGURE, PROMPTS_FIGURE, LOSS_FIGURE = STUDY_FIGURES = (
    "instance_images_figure",
    "prompt_grammar_figure",
    "loss_curve_figure",
)

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
    samples, scores, pairs = (_leaves(methods, kind) for kind in (SAMPLES, SCORES, PAIRS))
    curves = _leaves(trained, CURVE)
    drawn = ["learning_curves_figure"] if curves else []
    shown = {name: name for name in [*SHOWN, *drawn]}
    shown |= _leaves(trained, TRAINING) | _leaves(trained, PREVIEWS)
    for suffix in (SHEET, CHECK, PAIRS, EVALUATION):
        shown |= _leaves(methods, suffix)
    figures = {name: name for name in [*FIGURES_READ, *drawn]} | _leaves(trained, PREVIEWS) | samples
    figures |= _leaves(methods, SHEET) | pairs | _leaves(methods, CHECK)
    nodes = [
        Node(
            _of(subject, compare_methods),
            {"working_photos": "working_photos", "methods": "params:methods", **samples},
            ["comparison_grid", "first_samples"],
            name="compare_methods",
        ),
        Node(
            _of(subject, draw_ablation_grid),
            {"working_photos": "working_photos", "methods": "params:methods", **samples},
            "ablation_grid",
            name="draw_ablation_grid",
        ),
        Node(
            _of(subject, draw_flagged_failures),
            {
                **{name: name for name in ("working_photos", "mattes", "matte_report")},
                "methods": "params:methods",
                **samples,
                **_leaves(methods, CHECK),
                **pairs,
            },
            "flagged_failures",
            name="draw_flagged_failures",
        ),
        Node(_of(subject, draw_photos), "working_photos", "subject_photos", name="draw_photos"),
        Node(
            collect_image_values,
            {"methods": "params:methods", **pairs},
            "subject_image_values",
            name="collect_image_values",
        ),
        Node(collect_subject_scores, scores, "subject_scores", name="collect_subject_scores"),
        Node(
            _of(subject, compare_backgrounds),
            {
                "methods": "params:methods",
                "seed": "params:seed",
                **pairs,
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
    photos = {f"{subject}{PHOTOS}": f"{subject}.subject_photos" for subject in study.subjects}
    values = {f"{subject}{VALUES}": f"{subject}.subject_image_values" for subject in study.subjects}
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
            weigh_expectations,
            {
                **settings,
                "evaluation": "params:evaluation",
                "seed": "params:seed",
                **networks,
                **values,
            },
            ["ablations", "ablations_md", "ablations_tex"],
            name="weigh_expectations",
        ),
        Node(join_photos, {"subjects": "params:subjects", **photos}, PHOTOS_FIGURE, name="join_photos"),
        Node(
            draw_prompt_grammar,
            ["params:prompt_sets", "params:seed"],
            PROMPTS_FIGURE,
            name="draw_prompt_grammar",
        ),
        Node(
            write_study_page,
            {
                **{name: name for name in ("cells", "ablations", *STUDY_FIGURES)},
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
        Node(draw_loss_curve, "params:methods", LOSS_FIGURE, name="draw_loss_curve"),
    ]


def _leaves(names: list[str], suffix: str) -> dict[str, str]:
    """Maps argument to dataset, both of the same name inside the namespace."""
    return {f"{name}{suffix}": f"{name}{suffix}" for name in names}


def _of(subject: str, function: Callable) -> Callable:
    """Gives a node's function its subject's name, which is no dataset."""
    return update_wrapper(partial(function, subject=subject), function)
