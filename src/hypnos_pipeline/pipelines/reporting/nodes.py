"""Nodes of reporting: those of one subject, its figures, and those of the study."""

from hypnos_pipeline.pipelines.reporting.figure_nodes import (
    compare_methods,
    draw_ablation_grid,
    draw_flagged_failures,
    draw_learning_curves,
    draw_photos,
)
from hypnos_pipeline.pipelines.reporting.study_nodes import (
    collect_study_cells,
    draw_loss_curve,
    draw_prompt_grammar,
    join_photos,
    weigh_expectations,
    write_backgrounds,
    write_study_page,
    write_tables,
)
from hypnos_pipeline.pipelines.reporting.subject_nodes import (
    collect_image_values,
    collect_subject_figures,
    collect_subject_scores,
    compare_backgrounds,
    write_subject_page,
)

__all__ = [
    "collect_image_values",
    "collect_study_cells",
    "collect_subject_figures",
    "collect_subject_scores",
    "compare_backgrounds",
    "compare_methods",
    "draw_ablation_grid",
    "draw_flagged_failures",
    "draw_learning_curves",
    "draw_loss_curve",
    "draw_photos",
    "draw_prompt_grammar",
    "join_photos",
    "weigh_expectations",
    "write_backgrounds",
    "write_study_page",
    "write_subject_page",
    "write_tables",
]
