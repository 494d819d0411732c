"""Paired differences of HYPNOS and its baselines by the headline measures: as charts, and as a table.

Of several trainings they have intervals over trainings. Those of one training have intervals over images,
which say how another set of images would differ and not how another training would.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting.cells import CellKey, rows_of
from hypnos_pipeline.reporting.charts import Interval, intervals
from hypnos_pipeline.reporting.headline import HEADLINE, Measure
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.table import Entry, Row, Table
from hypnos_pipeline.reporting.tables import with_interval
from hypnos_pipeline.reporting.trainings import Difference

if TYPE_CHECKING:
    import pandas

FIELDS = ("method", "minus", "metric", "mean", "low", "high")
CAPTION = "Differences of two methods on the same prompts and noise"


def differences_over_images(
    parts: Mapping[str, Mapping[str, Any]], backgrounds: Mapping[str, pandas.DataFrame]
) -> list[Difference]:
    """Returns all subjects' differences in one training by the headline measures.

    Args:
        parts: Subject to its part of the page, with rows of ``intervals.paired_differences``.
        backgrounds: Subject to its frame of ``intervals.background_intervals``, for requested colours.
    """
    found = []
    for subject, part in parts.items():
        rows = [(row["prompt_set"], row) for row in part["differences"]]
        rows += [
            (row.prompt_set, row._asdict())
            for row in rows_of(backgrounds[subject])
            if isinstance(row.minus, str) and row.minus
        ]
        found += [
            Difference(
                subject=subject,
                label=subject_label(subject),
                prompt_set=prompt_set,
                trainings=1,
                **{name: row[name] for name in FIELDS},
            )
            for prompt_set, row in rows
        ]
    known = {measure.key for measure in HEADLINE}
    return [each for each in found if (each.prompt_set, each.metric) in known]


def difference_charts(
    found: Sequence[Difference], methods: Sequence[MethodLabel], own_prompts: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Returns a heading and an SVG for each measure, with a row for each subject and each mean."""
    charts, names = [], [method.name for method in methods]
    for measure, rows in _by_measure(found):
        shown = [
            Interval(row.label, names.index(row.minus), row.mean, row.low, row.high, row.clear)
            for row in rows
        ]
        title = measure.words(own_prompts)
        charts.append((title, intervals(f"Differences in {title}", shown)))
    return charts


def differences_table(
    found: Sequence[Difference], methods: Sequence[MethodLabel], own_prompts: Collection[str] = ()
) -> Table | None:
    """Returns the same as a table; None without differences."""
    columns = _by_measure(found)
    if not columns:
        return None
    rows: dict[tuple[str, str], dict[Measure, Entry]] = {}
    for measure, several in columns:
        for row in several:
            text = with_interval(row.mean, row.low, row.high, measure.metric.decimals, signed=True)
            behind = tuple(
                CellKey(measure.prompt_set, row.subject, name, measure.name)
                for name in (row.method, row.minus)
                if row.subject
            )
            labels = (row.label, _pair(row, methods))
            rows.setdefault(labels, {})[measure] = Entry(text, cells=behind)
    printed = [
        Row(labels, tuple(entries.get(measure, Entry()) for measure, _ in columns))
        for labels, entries in rows.items()
    ]
    headers = tuple(measure.words(own_prompts) for measure, _ in columns)
    return Table("paired_differences", CAPTION, ("Subject", "Methods"), headers, (tuple(printed),))


def _by_measure(found: Sequence[Difference]) -> list[tuple[Measure, list[Difference]]]:
    grouped = [
        (
            measure,
            [row for row in found if (row.prompt_set, row.metric) == (measure.prompt_set, measure.name)],
        )
        for measure in HEADLINE
    ]
    return [(measure, rows) for measure, rows in grouped if rows]


def _pair(row: Difference, methods: Sequence[MethodLabel]) -> str:
    labels = {method.name: method.label for method in methods}
    return f"{labels[row.method]} − {labels[row.minus]}"
