"""What a cell's number depends on: of all that the record names behind it, only what serves this cell.

A stage often serves many cells. The evaluation takes every metric, the sampling every prompt set, and the
reporting copies the rows of all methods and subjects. What belongs to those others cannot change this number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypnos_pipeline.errors import ProvenanceError
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.provenance.lineage import MODEL_FOLDER_KEY, Input, Lineage, concerns, works_for
from hypnos_pipeline.provenance.record import Recorded, StageRecord, overlap

METRIC_NETWORKS = {metric.network for metric in METRICS.values()} - {""}
"""Keys below ``models`` that only metrics read."""
OF_METRICS = {
    "/true_": "true_cut_outs",
    "/unseen_": "unseen",
    "/other_places": "other_places",
    "/class_prior": "other_places",
}
"""What the evaluation reads for some metrics only: part of its path, to what such a metric ``reads``.

In older records it reads the class prior itself.
"""


def needed_stages(lineage: Lineage, training: int | None = None) -> list[StageRecord]:
    """Returns the stages that have to run for the cell's number, in topological order.

    They may make more than the number depends on, since a stage runs as a whole. The reporting stages only
    copy rows, and besides draw figures of other stages' artefacts.

    Args:
        lineage: Of the cell.
        training: Only what this training needs, by its number from 1.
    """
    measured = evaluations(lineage)
    names = {stage.name for number, stage in measured.items() if training in (None, number)}
    return _behind(names, lineage, lineage.inputs)


def _behind(names: set[str], lineage: Lineage, inputs: Mapping[str, list[Input]]) -> list[StageRecord]:
    """Returns the stages of these names and those that wrote what they read, in topological order."""
    wanted = set(names)
    for stage in reversed(lineage.stages):
        if stage.name in wanted:
            wanted |= {name for each in inputs[stage.name] for name in each.producers}
    return [stage for stage in lineage.stages if stage.name in wanted]


def evaluations(lineage: Lineage) -> dict[int, StageRecord]:
    """Returns the stages that measured the cell's method: number of the training, from 1 → its evaluation.

    Raises:
        ProvenanceError: If the record names none.
    """
    found = {
        works_for(stage.name)[2]: stage
        for stage in lineage.stages
        if not stage.name.startswith("reporting") and concerns(stage.name, lineage.cell) and scores(stage)
    }
    if not found:
        raise ProvenanceError(f"dvc.lock names no stage that wrote the scores of {lineage.cell}")
    return dict(sorted(found.items()))


def scores(stage: StageRecord) -> Recorded | None:
    """Returns a stage's file of scores: a CSV of that name or in a folder of that name."""
    for recorded in stage.outs.values():
        path = Path(recorded.path)
        if path.suffix == ".csv" and "scores" in (path.stem, path.parent.name):
            return recorded
    return None


def own_lineage(lineage: Lineage) -> Lineage:
    """Returns the lineage without what serves only other methods, subjects, prompt sets and metrics.

    No stage is behind the evaluations. Parameters and inputs of other prompt sets and metrics are left out.
    """
    measured = evaluations(lineage).values()
    inputs: dict[str, list[Input]] = {}
    for stage in needed_stages(lineage):
        foreign = _foreign_folders(stage, lineage.cell)
        own = [each for each in lineage.inputs[stage.name] if not _is_foreign(each, lineage.cell, foreign)]
        if stage in measured:
            own = [each for each in own if not _of_other_metrics(each, lineage.cell)]
        inputs[stage.name] = [replace(each, parts=_own_parts(each, lineage.cell)) for each in own]
    stages: list[StageRecord] = []
    for stage in _behind({stage.name for stage in measured}, lineage, inputs):
        params = {file: _own_parameters(keys, lineage.cell) for file, keys in stage.params.items()}
        deps = {each.recorded.path: each.recorded for each in inputs[stage.name]}
        stages.append(replace(stage, deps=deps, params=params))
    return Lineage(lineage.cell, lineage.table, stages, {stage.name: inputs[stage.name] for stage in stages})


def serves(network: str, cell: Cell) -> bool:
    """Whether a network, by its key below ``models``, has a part in the cell's number."""
    metric = METRICS.get(cell.metric)
    return metric is None or network not in METRIC_NETWORKS or network == metric.network


def _own_parameters(keys: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """Returns recorded parameters without those of other prompt sets and metrics."""
    own: dict[str, Any] = {}
    for key, value in keys.items():
        if key == "prompt_sets" and cell.prompt_set in value:
            own[f"{key}.{cell.prompt_set}"] = value[cell.prompt_set]
        elif key == "evaluation" and isinstance(value, dict):
            own |= {f"{key}.{name}": below for name, below in value.items() if _counts(name, cell)}
        elif not key.startswith("models.") or serves(key.split(".")[1], cell):
            own[key] = value
    return own


def _counts(name: str, cell: Cell) -> bool:
    """Whether a key of ``evaluation`` has a part in the cell's number."""
    metric = METRICS.get(cell.metric)
    if name == "cut_out" and metric is not None:
        return "sample_mattes" in metric.reads
    return name not in ("metrics", "findings")


def _foreign_folders(stage: StageRecord, cell: Cell) -> set[str]:
    """Returns the folders of networks that a stage reads for other metrics only."""
    folders = {
        key: value for key, value in stage.leaves().items() if MODEL_FOLDER_KEY.fullmatch(key) and value
    }
    own = {folder for key, folder in folders.items() if serves(key.split(".")[1], cell)}
    return set(folders.values()) - own


def _is_foreign(each: Input, cell: Cell, folders: set[str]) -> bool:
    """Whether an input serves other metrics only: their networks, and masks known to be true."""
    if each.kind == "model":
        return any(overlap(each.recorded.path, folder) for folder in folders)
    metric = METRICS.get(cell.metric)
    reads_truth = metric is None or {"true_cut_outs", "unseen"} & {*metric.reads}
    return each.kind == "true mask" and not reads_truth


def _own_parts(each: Input, cell: Cell) -> tuple[str, ...]:
    """Returns the parts of what is known of a subject that the cell's metric compares with."""
    metric = METRICS.get(cell.metric)
    if metric is None:
        return each.parts
    return tuple(
        part for part in each.parts if ("unseen" if "/unseen" in part else "true_cut_outs") in metric.reads
    )


def _of_other_metrics(each: Input, cell: Cell) -> bool:
    """Whether the evaluation reads an artefact for other metrics only."""
    metric = METRICS.get(cell.metric)
    readers = [need for part, need in OF_METRICS.items() if part in each.recorded.path]
    return metric is not None and bool(readers) and not {*readers} & {*metric.reads}
