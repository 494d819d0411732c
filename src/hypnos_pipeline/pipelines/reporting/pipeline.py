"""Per subject: grid, curves, scores, intervals, a page; then the study's cells, tables, page."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

from kedro.pipeline import Pipeline

from hypnos_pipeline.metrics.settings import NETWORKS
from hypnos_pipeline.pipelines.reporting.collected import (
    BACKGROUNDS,
    CHECK,
    CURVE,
    CURVES_FIGURE,
    CUT_OUTS,
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
from hypnos_pipeline.pipelines.reporting.nodes import figure_nodes, study_nodes, subject_nodes
from hypnos_pipeline.pipelines.slices import Step, subject_slices, unsliced
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.training.settings import training_name

TABLES = [f"table_{name}_{kind}" for name in ("1", "2", "difference") for kind in ("md", "tex")]
SUBJECT = ("subject",)
PROMPTS = ("prompt_sets", "augmentation", "seed")
"""Parameters that say which prompt sets repeat prompts of HYPNOS's training."""
FIGURES_OF_STUDY = ("instance_images_figure", "prompt_grammar_figure", "loss_curve_figure")


def create_pipeline(study: Study) -> Pipeline:
    """Returns the reporting of every subject and of the study."""
    with warnings.catch_warnings():
        # Kedro warns of dotted names outside a namespace; to read every subject's scores is the point here.
        warnings.filterwarnings("ignore", message="One or more dataset names contain '.'")
        of_study = unsliced(_study_steps(study), tag="study")
        return Pipeline([*of_study, *subject_slices(study, "reporting", _subject_steps(study))])


def _subject_steps(study: Study) -> list[Step]:
    """Returns what is reported of each subject; it reads the datasets of the subject's methods."""
    methods = [method for _, method in study.entries()]
    trained = [method for family, method in study.entries() if family != "base"]

    def of_all(*suffixes: str, names: Iterable[str] = methods) -> dict[str, str]:
        return {f"{name}{suffix}": f"{name}.{suffix[1:]}" for suffix in suffixes for name in names}

    def of_trained(*suffixes: str) -> dict[str, str]:
        return of_all(*suffixes, names=trained)

    def every(names: Iterable[str]) -> list[str]:
        """Returns the names of all trainings, method by method."""
        return [training_name(name, each) for name in names for each in range(1, study.trainings + 1)]

    def of_subject(names: Iterable[str]) -> dict[str, str]:
        return _same(name for name in names if trained or name != CURVES_FIGURE)

    photos = {"working_photos": "working_photos"}
    # What a subject's stages leave to be looked at. One node reads it all: what nothing inside the namespace
    # reads would stand beside the subject's box in kedro-viz, two dozen leaves to a subject.
    shown = of_subject(name for names in subject_nodes.SECTIONS.values() for name in names)
    steps = [
        _step(
            figure_nodes.compare_methods,
            photos | of_all(SAMPLES),
            ["comparison_grid", "first_samples"],
            "methods",
            of=SUBJECT,
        ),
        _step(
            figure_nodes.draw_ablation_grid,
            photos | of_all(SAMPLES),
            "ablation_grid",
            "methods",
            of=SUBJECT,
        ),
        _step(
            figure_nodes.draw_flagged_failures,
            photos | _same(["mattes", "matte_report"]) | of_all(SAMPLES, CHECK, PAIRS),
            "flagged_failures",
            "methods",
            of=SUBJECT,
        ),
        _step(figure_nodes.draw_photos, photos, "subject_photos", of=SUBJECT),
        _step(
            subject_nodes.collect_image_values,
            of_all(PAIRS, names=every(methods)),
            "subject_image_values",
            "methods",
        ),
        _step(subject_nodes.collect_subject_scores, of_all(SCORES, names=every(methods)), "subject_scores"),
        _step(
            subject_nodes.compare_backgrounds,
            of_all(PAIRS, EVALUATION),
            "subject_backgrounds",
            "methods",
            "seed",
            of=SUBJECT,
        ),
        _step(
            subject_nodes.gather_subject,
            photos
            | _same(["mattes", "matte_report", "true_mattes", "true_foregrounds"])
            | of_all(TRAINING, CURVE, names=every(trained))
            | of_all(CHECK, EVALUATION, names=every(methods))
            | of_all(SAMPLES, PAIRS),
            "subject_figures",
            "methods",
            "seed",
            of=SUBJECT,
        ),
        _step(
            subject_nodes.write_subject_page,
            shown
            | _same(["subject_figures", "subject_scores", "subject_backgrounds", "subject_image_values"])
            | of_trained(TRAINING, PREVIEWS)
            | of_all(SHEET, CUT_OUTS, PAIRS, EVALUATION),
            "subject_page",
            "methods",
            *PROMPTS,
            "env",
            "image_size",
            of=SUBJECT,
        ),
    ]
    if trained:
        draw = figure_nodes.draw_learning_curves
        steps.append(_step(draw, of_trained(CURVE), CURVES_FIGURE, "methods", of=SUBJECT))
    return steps


def _study_steps(study: Study) -> list[Step]:
    def of_subjects(suffix: str) -> dict[str, str]:
        return {f"{subject}{suffix}": f"{subject}.subject{suffix}" for subject in study.subjects}

    networks = {name: f"params:models.{name}" for name in NETWORKS}
    settings = ("subjects", "methods", "evaluation")
    photos, prompts, loss = FIGURES_OF_STUDY
    return [
        _step(
            study_nodes.collect_study_cells,
            of_subjects(SCORES),
            ["cells", "metrics", "headlines", "cells_wide"],
            "subjects",
            "methods",
            "prompt_sets",
        ),
        _step(study_nodes.write_tables, _same(["cells"]) | networks, TABLES, *settings),
        _step(
            study_nodes.write_backgrounds,
            networks | of_subjects(BACKGROUNDS),
            ["backgrounds_md", "backgrounds_tex"],
            *settings,
            *PROMPTS,
        ),
        _step(
            study_nodes.weigh_expectations,
            networks | of_subjects(VALUES),
            ["ablations", "ablations_md", "ablations_tex"],
            *settings,
            "seed",
        ),
        _step(study_nodes.join_photos, of_subjects(PHOTOS), photos, "subjects"),
        _step(study_nodes.draw_prompt_grammar, {}, prompts, "prompt_sets", "seed"),
        _step(
            study_nodes.write_study_page,
            _same(["cells", "ablations", "recorded_findings", *FIGURES_OF_STUDY])
            | networks
            | of_subjects(BACKGROUNDS)
            | of_subjects(FIGURES)
            | of_subjects(VALUES),
            "study_page",
            *settings,
            *PROMPTS,
            "env",
            "image_size",
        ),
        _step(study_nodes.draw_loss_curve, {}, loss, "methods"),
    ]


def _step(
    function: Callable,
    reads: Mapping[str, str],
    makes: str | list[str],
    *settings: str,
    of: Sequence[str] = (),
) -> Step:
    """Returns a step that also reads the study's parameters ``settings``, arguments of the same names."""
    return Step(function, {**reads, **{name: f"params:{name}" for name in settings}}, makes, given=of)


def _same(names: Iterable[str]) -> dict[str, str]:
    """Maps arguments to datasets of the same names."""
    return {name: name for name in names}
