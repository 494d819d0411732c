"""Nodes of reporting: those that draw one subject's figures, those of one subject, and those of the study."""

from hypnos_pipeline.pipelines.reporting import figure_nodes, study_nodes, subject_nodes

__all__ = ["figure_nodes", "study_nodes", "subject_nodes"]
