"""The paper's claim put to the test: foreground kept and background freed, against known truth (§9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.background_obeyed import FRAME
from hypnos_pipeline.metrics.registry import FOREGROUND, METRICS, Metric
from hypnos_pipeline.reporting.intervals import DRAWS, LEVEL
from hypnos_pipeline.reporting.labels import listed, subject_label
from hypnos_pipeline.reporting.table import Entry, Row, Table
from hypnos_pipeline.reporting.tables import NOT_RANKED, Scope, best_methods, number

if TYPE_CHECKING:
    import pandas

WHOLE_PICTURES = (
    "Foreground metrics compare each image with every photo's cut-out on the asked colour, whole picture "
    "with whole picture: another pose, and a wrong background, cost them too. Background ΔE: CIEDE2000 "
    "between the asked colour and the median colour of the image's outer frame, "
    f"{FRAME:.0%} of its side wide."
)
INTERVALS = (
    f"In square brackets: bootstrap {LEVEL:.0%} intervals, percentiles of {DRAWS:,} draws of colours and of "
    "each drawn colour's images (prompts and seeds), the same draws for all methods; the photos stay."
)
VERDICTS = (
    "Better, worse: the interval of the paired difference lies wholly on one side of 0; else undecided. "
    "The sentences take the first foreground metric that was measured; the others stand in the table."
)
OWN_WORDS = "HYPNOS finetunes on prompts of this form; the other methods do not."


def backgrounds_table(intervals: Mapping[str, pandas.DataFrame], scope: Scope) -> Table:
    """Returns methods and paired differences of every subject, and in the notes what they say.

    Args:
        intervals: Subject to its frame of ``intervals.background_intervals``.
        scope: Methods in printed order, subjects, sources.
    """
    present = {name for frame in intervals.values() for name in frame["metric"]}
    metrics = [metric for metric in METRICS.values() if metric.name in present]
    labels = {method.name: method.label for method in scope.methods}
    blocks, sentences, truths = [], [], []
    for subject in scope.subjects:
        rows = _by_row(intervals[subject])
        if not rows:
            continue
        blocks.append(tuple(_rows(subject, rows, metrics, scope)))
        sentences += _sentence(subject, rows, metrics, labels)
        truths.append(f"{subject_label(subject)}: {intervals[subject]['truth'].iloc[0]}")
    if not blocks:
        sentences = ["No image of the study was asked for a background colour."]
    counted = sorted({_count(row) for frame in intervals.values() for row in frame.itertuples(index=False)})
    notes = [
        *sentences,
        *([f"True cut-outs. {'; '.join(truths)}. n = {' or '.join(counted)}."] if truths else []),
        WHOLE_PICTURES,
        INTERVALS,
        VERDICTS,
        f"Bold: best method on the subject. {NOT_RANKED} {OWN_WORDS}",
        *scope.sources,
    ]
    return Table(
        name="backgrounds",
        caption="Asked backgrounds: the foreground against true cut-outs, the background against its colour",
        label_headers=("Subject", "Method"),
        headers=tuple(f"{metric.label} {metric.arrow}" for metric in metrics),
        blocks=tuple(blocks),
        notes=tuple(notes),
    )


def verdict(metric: Metric, low: float, high: float) -> str:
    """Returns ``better``, ``worse`` or ``undecided`` from the interval of a difference, ours minus theirs."""
    if low <= 0 <= high:
        return "undecided"
    return "better" if (low > 0) == metric.higher_is_better else "worse"


def _by_row(frame: pandas.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns (method, minus) to metric to the interval's row."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in frame.fillna({"minus": ""}).itertuples(index=False):
        rows.setdefault((row.method, row.minus), {})[row.metric] = row
    return rows


def _rows(subject: str, rows: dict, metrics: list[Metric], scope: Scope) -> list[Row]:
    """Returns a subject's methods, then its differences; the subject's label on its first row only."""
    ranked = [method.name for method in scope.methods if not method.reference]
    best = {
        metric.name: best_methods(
            {m: rows[m, ""][metric.name].mean for m in ranked if metric.name in rows.get((m, ""), {})}, metric
        )
        for metric in metrics
    }
    labels = {method.name: method.label for method in scope.methods}
    printed = [
        (label, tuple(_score(metric, rows[name, ""], name in best[metric.name]) for metric in metrics))
        for name, label in labels.items()
        if (name, "") in rows
    ]
    printed += [
        (f"{labels[ours]} − {labels[theirs]}", tuple(_difference(metric, found) for metric in metrics))
        for (ours, theirs), found in rows.items()
        if theirs
    ]
    first = subject_label(subject)
    return [Row((first if n == 0 else "", label), entries) for n, (label, entries) in enumerate(printed)]


def _score(metric: Metric, found: dict, bold: bool) -> Entry:
    return Entry(_text(metric, found[metric.name]), bold) if metric.name in found else Entry()


def _difference(metric: Metric, found: dict) -> Entry:
    if metric.name not in found:
        return Entry()
    row = found[metric.name]
    said = verdict(metric, row.low, row.high)
    return Entry(_text(metric, row, signed=True) + ("" if said == "undecided" else f" {said}"))


def _text(metric: Metric, row: Any, signed: bool = False) -> str:
    low, high = number(row.low, metric.decimals), number(row.high, metric.decimals)
    plus = "+" if signed and round(row.mean, metric.decimals) > 0 else ""
    return f"{plus}{number(row.mean, metric.decimals)} [{low}, {high}]"


def _sentence(subject: str, rows: dict, metrics: list[Metric], labels: Mapping[str, str]) -> list[str]:
    """Returns one sentence on all differences of a subject, none where nothing is compared."""
    foreground = next((metric for metric in metrics if metric.name.startswith(FOREGROUND)), None)
    claims = [
        ("keeps", "foreground", foreground),
        ("frees", "background", next((m for m in metrics if m.name == "background_obeyed"), None)),
    ]
    clauses = []
    for (ours, theirs), found in rows.items():
        said = [_claim(*claim, found) for claim in claims if claim[2] is not None and claim[2].name in found]
        if theirs and said:
            clauses.append(f"against {labels[theirs]}, {labels[ours]} {listed(said)}")
    return [f"{subject_label(subject)}: {'; '.join(clauses)}."] if clauses else []


def _claim(verb: str, part: str, metric: Metric, found: dict) -> str:
    row = found[metric.name]
    evidence = f"{metric.label} {_text(metric, row, signed=True)}"
    said = verdict(metric, row.low, row.high)
    if said == "undecided":
        return f"shows no decided difference in the {part} ({evidence})"
    return f"{verb} the {part} {said} ({evidence})"


def _count(row: Any) -> str:
    return f"{row.images} images of {row.colours} colours, {row.photos} photos"
