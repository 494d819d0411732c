"""The paper's claim put to the test: foreground kept and background freed, against known truth (§9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.background_obeyed import FRAME
from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.cells import CellKey, rows_of
from hypnos_pipeline.reporting.intervals import DRAWS, LEVEL
from hypnos_pipeline.reporting.labels import OWN_PROMPTS, prompt_set_label, subject_label
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
OWN_WORDS = f"{OWN_PROMPTS}: HYPNOS finetunes on these very prompts; the other methods do not."


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
    sets = list(dict.fromkeys(name for frame in intervals.values() for name in frame["prompt_set"]))
    for prompt_set in sets:
        for subject in scope.subjects:
            found = intervals[subject]
            if rows := _by_row(found[found["prompt_set"] == prompt_set]):
                blocks.append(tuple(_rows(prompt_set, subject, rows, metrics, scope, cells)))
    for subject in scope.subjects:
        if len(found := intervals[subject]):
            truths.append(f"{subject_label(subject)}: {found['truth'].iloc[0]}")
    counted = sorted({_count(row) for frame in intervals.values() for row in rows_of(frame)})
    notes = [
        *([] if blocks else ["No prompt of the study requests a background colour."]),
        *([f"True cut-outs. {'; '.join(truths)}. n = {' or '.join(counted)}."] if truths else []),
        WHOLE_PICTURES,
        INTERVALS,
        f"Bold: best method on the subject. {NOT_RANKED}",
        *([OWN_WORDS] if {*scope.own_prompts} & {*sets} else []),
        *scope.sources,
    ]
    return Table(
        name="backgrounds",
        caption="Requested background colours: the foreground against true cut-outs, the background against "
        "its colour",
        label_headers=("Prompt set", "Subject", "Method"),
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
    prompt_set: str,
    subject: str,
    rows: dict[tuple[str, str], Found],
    metrics: list[Metric],
    scope: Scope,
    cells: Collection[CellKey],
) -> list[Row]:
    """Returns a subject's methods on a prompt set, then its differences."""
    methods = {method.name: method for method in scope.methods if (method.name, "") in rows}
    ranked = [name for name, method in methods.items() if not method.reference]
    best = {
        m.name: best_methods({r: rows[r, ""][m.name].mean for r in ranked if m.name in rows[r, ""]}, m)
        for m in metrics
    }

    def entry(metric: Metric, ours: str, theirs: str) -> Entry:
        names = (ours, theirs) if theirs else (ours,)
        keys = [CellKey(prompt_set, subject, name, metric.name) for name in names]
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
            (prompt_set_label(prompt_set, scope.own_prompts), subject_label(subject), label),
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
