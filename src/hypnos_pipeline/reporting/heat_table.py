"""The heat table: every metric of every subject and method, the headline's first, shaded by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.headline import HEADLINE, Measure, Scales, place_on, scales
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.table import ABSENT
from hypnos_pipeline.reporting.tables import best_methods, number

FEW, MORE = 2, 4
"""Decimals; more where two would print every value of a column as nearly 0."""
SMALL = 0.1


@dataclass(frozen=True)
class Column:
    """A measure's column, and whether it is among the headline metrics."""

    measure: Measure
    headline: bool
    decimals: int


@dataclass(frozen=True)
class Shaded:
    """One value: in print, its place from worst (0) to best (1), whether no method is better, its cell."""

    text: str = ABSENT
    place: float | None = None
    best: bool = False
    cell: CellKey | None = None


@dataclass(frozen=True)
class HeatTable:
    """Columns, and each subject's rows: the method's place in the study's order, and its values."""

    columns: tuple[Column, ...]
    groups: tuple[tuple[str, tuple[tuple[int, tuple[Shaded, ...]], ...]], ...]


def heat_table(
    cells: Mapping[CellKey, Any],
    methods: Sequence[MethodLabel],
    subjects: Sequence[str],
    headline_only: bool = False,
) -> HeatTable:
    """Returns the table of a study's cells.

    Args:
        cells: Every cell's row.
        methods: In printed order; references are shaded, but none is best.
        subjects: In the study's order.
        headline_only: Whether the other metrics are left out.
    """
    known = scales(cells)
    columns = [column for column in _columns(known) if column.headline or not headline_only]
    groups = []
    for subject in subjects:
        by_column = [
            _values(cells, methods, subject, column, known[column.measure.key]) for column in columns
        ]
        rows = [(place, tuple(values[place] for values in by_column)) for place in range(len(methods))]
        groups.append((subject_label(subject), tuple(rows)))
    return HeatTable(tuple(columns), tuple(groups))


def _columns(known: Scales) -> list[Column]:
    """Returns the headline's columns, then all others by prompt set."""
    first = [measure for measure in HEADLINE if measure.key in known]
    sets = dict.fromkeys(prompt_set for prompt_set, _ in known)
    rest = [Measure(prompt_set, metric) for prompt_set in sets for metric in METRICS]
    others = [each for each in rest if each.key in known.keys() - {measure.key for measure in first}]
    return [Column(each, each in first, _decimals(known[each.key])) for each in (*first, *others)]


def _decimals(scale: tuple[float, float]) -> int:
    return FEW if max(map(abs, scale)) >= SMALL else MORE


def _values(
    cells: Mapping[CellKey, Any],
    methods: Sequence[MethodLabel],
    subject: str,
    column: Column,
    scale: tuple[float, float],
) -> list[Shaded]:
    """Returns one subject's values in one column, in the methods' order."""
    measure = column.measure
    keys = measure.cells(subject, methods)
    ranked = {
        key.method: cells[key].mean
        for key, method in zip(keys, methods, strict=True)
        if key in cells and not method.reference
    }
    best = best_methods(ranked, measure.metric)
    directed = measure.metric.higher_is_better is not None
    return [
        Shaded(
            number(cells[key].mean, column.decimals),
            place_on(scale, cells[key].mean) if directed else None,
            key.method in best,
            key,
        )
        if key in cells
        else Shaded()
        for key in keys
    ]
