"""``docs/ablation_findings.md`` and its table: what several trainings say of the ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting.ablations import TRAININGS
from hypnos_pipeline.reporting.cells import rows_of
from hypnos_pipeline.reporting.deltas import delta_of
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS
from hypnos_pipeline.reporting.findings_document import (
    SHOWN,
    measure_label,
    measures_of,
    signed_half,
    summary,
)
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.statistics import Estimate, Verdict, differences_from, pooled, values_of
from hypnos_pipeline.reporting.table import Entry, Row, Table, to_markdown
from hypnos_pipeline.reporting.tables import number, with_interval
from hypnos_pipeline.reporting.trainings import Values

if TYPE_CHECKING:
    import pandas

HEAD = """# What the ablations showed

What the paper expects of each ablation, and what was measured in `{env}`
([The ablation study](ablations.md)). This page is written by `kedro findings write --env {env}`; the same
numbers are in `docs/ablation_findings.csv`.

!!! warning "What this does not cover"
    The study has one rendered object, and miniature models of 64 pixels that were trained for this project.
    The intervals are about other trainings of this object with these prompts. They say nothing of other
    objects, of photographs, or of Stable Diffusion."""
LEFT = "{left} more expectations are not here: they wait for the second training of a method."
READING = (
    "The first row has the values themselves, means over trainings. Every other row has the mean difference "
    "from it, on the same prompts and noise, ± half of its 95 % interval over trainings. The variance "
    "between trainings is pooled over all rows of a subject. There are no verdicts here, since not all of "
    "these measures were stated beforehand."
)


def ablation_document(
    env: str, weighed: pandas.DataFrame, methods: Sequence[MethodLabel], left: int, values: Values
) -> str:
    """Returns the page as Markdown.

    Args:
        env: The environment.
        weighed: See ``expectations.weigh``; rows with several trainings.
        methods: In printed order.
        left: How many expectations have no row yet.
        values: Of single images in every training.
    """
    parts = [HEAD.format(env=env), *([LEFT.format(left=left)] if left else [])]
    for subject in values:
        found = weighed[weighed["subject"] == subject]
        if found.empty:
            continue
        words = [(str(row.outcome), f"{_entry(row, methods)}: {_claim(row)}") for row in rows_of(found)]
        parts += [f"## {subject_label(subject)}", summary(words)]
        parts.append(to_markdown(expectations_table(found, methods)))
    return "\n\n".join([*parts, "## All entries", to_markdown(entries_table(values, methods))])


def expectations_table(weighed: pandas.DataFrame, methods: Sequence[MethodLabel]) -> Table:
    """Returns a row for each expectation of one subject.

    Args:
        weighed: The subject's rows of ``expectations.weigh``, all with several trainings.
        methods: In printed order; the first is the one that most are compared with.
    """
    rows = [
        Row(
            (_entry(row, methods), _claim(row)),
            (
                Entry(row.direction),
                Entry(with_interval(row.difference, row.low, row.high, 3, signed=True)),
                Entry(f"{delta_of(row.metric):g}"),
                Entry(str(row.outcome), bold=row.outcome in (Verdict.SEEN, Verdict.OPPOSITE)),
            ),
        )
        for row in rows_of(weighed)
    ]
    return Table(
        name="expectations",
        caption=f"What the paper expects, and the difference from {methods[0].label}",
        label_headers=("Entry", "The paper says"),
        headers=("Expected", "Difference", "δ", "Verdict"),
        blocks=(tuple(rows),),
        notes=(TRAININGS.format(trainings=int(weighed["trainings"].max())),),
    )


def _entry(row: Any, methods: Sequence[MethodLabel]) -> str:
    """Returns an expectation's method, and what it is compared with if not with the first method."""
    labels = {method.name: method.label for method in methods}
    against = "" if row.against == methods[0].name else f", against {labels[row.against]}"
    on = (
        ""
        if row.against_subject == row.subject
        else f", against that on {subject_label(row.against_subject)}"
    )
    return f"{labels[row.method]}{against}{on}"


def _claim(row: Any) -> str:
    return f"{row.claim} ({measure_label(row.prompt_set, row.metric)}; {row.source})"


def entries_table(values: Values, methods: Sequence[MethodLabel]) -> Table:
    """Returns how every method differs from the first, by the measures ``SHOWN`` that were taken.

    Args:
        values: Of single images in every training.
        methods: In printed order; one without two trainings on a subject has no row there.
    """
    taken = measures_of(values)
    shown = [measure for measure in SHOWN if measure in taken]
    return Table(
        name="entries",
        caption=f"Every entry minus {methods[0].label}",
        label_headers=("Method", "Subject"),
        headers=tuple(measure_label(*measure) for measure in shown),
        blocks=tuple(
            rows for name, frame in values.items() if (rows := _entries(name, frame, methods, shown))
        ),
        notes=(READING,),
    )


def _entries(
    subject: str, frame: pandas.DataFrame, methods: Sequence[MethodLabel], shown: Sequence[tuple[str, str]]
) -> tuple[Row, ...]:
    """Returns one subject's rows; none where no method was trained twice beside the first."""
    first, *others = methods
    columns = []
    for measure in shown:
        reference = values_of(frame, first.name, measure)
        differences = differences_from(reference, frame, [method.name for method in others], measure)
        found = pooled(differences) if differences else {}
        value = Entry(number(reference["value"].groupby(level=0).mean().mean(), 3))
        columns.append({first.name: value} | {name: _difference(each) for name, each in found.items()})
    rows = [
        Row((method.label, subject_label(subject)), tuple(each.get(method.name, Entry()) for each in columns))
        for method in methods
        if any(method.name in each for each in columns)
    ]
    return tuple(rows) if len(rows) > 1 else ()


def _difference(estimate: Estimate) -> Entry:
    return Entry(signed_half(estimate.mean, estimate.interval()[0]))


def ablation_frame(weighed: pandas.DataFrame, kinds: Mapping[str, str]) -> pandas.DataFrame:
    """Returns the rows in the columns of the other findings, ``FINDING_COLUMNS``.

    Args:
        weighed: See :func:`ablation_document`.
        kinds: Of the sets of photos.
    """
    import pandas

    rows = []
    for found in rows_of(weighed):
        other = "" if found.against_subject == found.subject else f" of {found.against_subject}"
        measure = f"{found.metric} on {found.prompt_set}: {found.method} - {found.against}{other}"
        stated = {"section": found.source, "kind": kinds[found.subject], "set": found.subject}
        judged = {"measure": measure, "delta": delta_of(found.metric), "verdict": str(found.outcome)}
        rows.append(found._asdict() | stated | judged)
    return pandas.DataFrame(rows, columns=FINDING_COLUMNS)
