"""Nodes of reporting: those of one subject, and those of the study."""

from hypnos_pipeline.pipelines.reporting.study_nodes import (
    collect_study_cells,
    draw_loss_curve,
    write_backgrounds,
    write_study_page,
    write_tables,
)
from hypnos_pipeline.pipelines.reporting.subject_nodes import (
    collect_subject_figures,
    collect_subject_scores,
    compare_backgrounds,
    compare_methods,
    draw_learning_curves,
    write_subject_page,
)

__all__ = [
    "collect_study_cells",
    "collect_subject_figures",
    "collect_subject_scores",
    "compare_backgrounds",
    "compare_methods",
    "draw_learning_curves",
    "draw_loss_curve",
    "write_backgrounds",
    "write_study_page",
    "write_subject_page",
    "write_tables",
]
