"""The heat table: every metric of every subject and method, the headline's first, shaded by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cards import place_on, scale
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.headline import Measure, measured
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
    cells: Mapping[CellKey, Any], methods: Sequence[MethodLabel], subjects: Sequence[str]
) -> HeatTable:
    """Returns the table of a study's cells.

    Args:
        cells: Every cell's row.
        methods: In printed order; references are shaded, but none is best.
        subjects: In the study's order.
    """
    columns = _columns(cells)
    groups = []
    for subject in subjects:
        by_column = [_values(cells, methods, subject, column) for column in columns]
        rows = [(place, tuple(values[place] for values in by_column)) for place in range(len(methods))]
        groups.append((subject_label(subject), tuple(rows)))
    return HeatTable(tuple(columns), tuple(groups))


def _columns(cells: Mapping[CellKey, Any]) -> list[Column]:
    """Returns the headline's columns, then all others by prompt set."""
    first = measured(cells)
    sets = dict.fromkeys(key.prompt_set for key in cells)
    rest = measured(cells, tuple(Measure(prompt_set, metric) for prompt_set in sets for metric in METRICS))
    known = {(each.prompt_set, each.name) for each in first}
    others = [each for each in rest if (each.prompt_set, each.name) not in known]
    return [Column(each, each in first, _decimals(cells, each)) for each in (*first, *others)]


def _decimals(cells: Mapping[CellKey, Any], measure: Measure) -> int:
    return FEW if max(map(abs, scale(cells, measure))) >= SMALL else MORE


def _values(
    cells: Mapping[CellKey, Any], methods: Sequence[MethodLabel], subject: str, column: Column
) -> list[Shaded]:
    """Returns one subject's values in one column, in the methods' order."""
    measure = column.measure
    keys = [CellKey(measure.prompt_set, subject, method.name, measure.name) for method in methods]
    ranked = {
        key.method: cells[key].mean
        for key, method in zip(keys, methods, strict=True)
        if key in cells and not method.reference
    }
    best, ends = best_methods(ranked, measure.metric), scale(cells, measure)
    directed = measure.metric.higher_is_better is not None
    return [
        Shaded(
            number(cells[key].mean, column.decimals),
            place_on(ends, cells[key].mean) if directed else None,
            key.method in best,
            key,
        )
        if key in cells
        else Shaded()
        for key in keys
    ]
