"""The paper's claim put to the test: foreground kept and background freed, against known truth (§9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.background_obeyed import FRAME
from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.cells import CellKey, rows_of
from hypnos_pipeline.reporting.intervals import DRAWS, LEVEL
from hypnos_pipeline.reporting.labels import subject_label
from hypnos_pipeline.reporting.table import Entry, Row, Table
from hypnos_pipeline.reporting.tables import NOT_RANKED, Scope, best_methods, with_interval

if TYPE_CHECKING:
    import pandas

Found = dict[str, Any]
"""Metric to its interval's row, of one method or of one difference of methods."""

WHOLE_PICTURES = (
    "Foreground metrics compare each image with every photo's cut-out on the requested colour, whole picture "
    "with whole picture: another pose, and a wrong background, cost them too. Background ΔE: CIEDE2000 "
    "between the requested colour and the median colour of the image's outer frame, "
    f"{FRAME:.0%} of its side wide."
)
INTERVALS = (
    f"In square brackets: bootstrap {LEVEL:.0%} intervals, percentiles of {DRAWS:,} draws of colours and of "
    "each drawn colour's images (prompts and seeds), the same draws for all methods; the photos stay. They "
    "are of one training, so they say how another set of images would differ and not how another training "
    "would."
)
OWN_WORDS = "HYPNOS finetunes on prompts of this form; the other methods do not."


def backgrounds_table(
    intervals: Mapping[str, pandas.DataFrame], scope: Scope, cells: Collection[CellKey] = ()
) -> Table:
    """Returns methods and paired differences of every subject, with intervals over one training's images.

    Args:
        intervals: Subject to its frame of ``intervals.background_intervals``.
        scope: Methods in printed order, subjects, sources.
        cells: The study's, to which the values lead where there are pages to follow them on.
    """
    present = {name for frame in intervals.values() for name in frame["metric"]}
    metrics = [metric for metric in METRICS.values() if metric.name in present]
    blocks, truths = [], []
    for subject in scope.subjects:
        rows = _by_row(intervals[subject])
        if not rows:
            continue
        blocks.append(tuple(_rows(subject, rows, metrics, scope, cells)))
        truths.append(f"{subject_label(subject)}: {intervals[subject]['truth'].iloc[0]}")
    counted = sorted({_count(row) for frame in intervals.values() for row in rows_of(frame)})
    notes = [
        *([] if blocks else ["No prompt of the study requests a background colour."]),
        *([f"True cut-outs. {'; '.join(truths)}. n = {' or '.join(counted)}."] if truths else []),
        WHOLE_PICTURES,
        INTERVALS,
        f"Bold: best method on the subject. {NOT_RANKED} {OWN_WORDS}",
        *scope.sources,
    ]
    return Table(
        name="backgrounds",
        caption="Requested background colours: the foreground against true cut-outs, the background against "
        "its colour",
        label_headers=("Subject", "Method"),
        headers=tuple(metric.heading for metric in metrics),
        blocks=tuple(blocks),
        notes=tuple(notes),
    )


def _by_row(frame: pandas.DataFrame) -> dict[tuple[str, str], Found]:
    """Returns (method, minus) to what was found of it."""
    rows: dict[tuple[str, str], Found] = {}
    for row in rows_of(frame.assign(minus=frame["minus"].astype(object).fillna(""))):
        rows.setdefault((row.method, row.minus), {})[row.metric] = row
    return rows


def _rows(
    subject: str,
    rows: dict[tuple[str, str], Found],
    metrics: list[Metric],
    scope: Scope,
    cells: Collection[CellKey],
) -> list[Row]:
    """Returns a subject's methods, then its differences."""
    prompt_sets = dict.fromkeys(key.prompt_set for key in cells)
    methods = {method.name: method for method in scope.methods if (method.name, "") in rows}
    ranked = [name for name, method in methods.items() if not method.reference]
    best = {
        m.name: best_methods({r: rows[r, ""][m.name].mean for r in ranked if m.name in rows[r, ""]}, m)
        for m in metrics
    }

    def entry(metric: Metric, ours: str, theirs: str) -> Entry:
        names = (ours, theirs) if theirs else (ours,)
        keys = [CellKey(each, subject, name, metric.name) for name in names for each in prompt_sets]
        behind, found = tuple(key for key in keys if key in cells), rows[ours, theirs]
        if metric.name not in found:
            return Entry(cells=behind)
        if not theirs:
            return Entry(_text(metric, found), ours in best[metric.name], behind)
        return Entry(_text(metric, found, signed=True), cells=behind)

    printed = {(name, ""): method.label for name, method in methods.items()}
    printed |= {key: f"{methods[key[0]].label} − {methods[key[1]].label}" for key in rows if key[1]}
    return [
        Row(
            (subject_label(subject), label),
            tuple(entry(metric, ours, theirs) for metric in metrics),
            reference=not theirs and methods[ours].reference,
        )
        for (ours, theirs), label in printed.items()
    ]


def _text(metric: Metric, found: Found, signed: bool = False) -> str:
    row = found[metric.name]
    return with_interval(row.mean, row.low, row.high, metric.decimals, signed)


def _count(row: Any) -> str:
    return f"{row.images} images of {row.colours} colours, {row.photos} photos"
