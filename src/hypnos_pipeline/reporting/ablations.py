"""The table of ablations: what the paper expects of each, and what was measured (paper 4.1, 4.2, 0.F)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import rows_of
from hypnos_pipeline.reporting.expectations import UNMEASURED
from hypnos_pipeline.reporting.intervals import DRAWS, LEVEL
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.statistics import Verdict
from hypnos_pipeline.reporting.table import Entry, Row, Table
from hypnos_pipeline.reporting.tables import number, with_interval

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.training.settings import Expectation

NAME = "ablations"
NONE = "No method of this study states what the paper expects of it."
DIFFERENCE = (
    "Difference: the method minus the one it is compared with, on the same prompts from the same noise, each "
    "image its mean over the photos, which stay. "
)
ONE_TRAINING = (
    f"{DIFFERENCE}In square brackets: the bootstrap {LEVEL:.0%} interval, percentiles of {DRAWS:,} draws of "
    "images (of requested colours, then of each colour's images). Each method was trained once, so the "
    "intervals say how another set of images would differ and not how another training would: there is no "
    "verdict."
)
TRAININGS = (
    f"{DIFFERENCE}In square brackets: Student's {LEVEL:.0%} interval over {{trainings}} trainings, the "
    "variance between trainings pooled over all methods of a subject. For the outcome, the interval "
    "is corrected by Holm for the number of the subject's rows. No difference beyond δ: it lies within ±δ, "
    "the smallest difference that matters by this metric. Seen, opposite: it lies wholly on the expected or "
    "on the other side of 0. Not decided: anything else."
)


def ablations_table(
    weighed: pandas.DataFrame,
    expectations: Mapping[str, Sequence[Expectation]],
    methods: Sequence[MethodLabel],
    sources: Sequence[str] = (),
) -> Table:
    """Returns a row for each expectation and subject, and in the notes how to read them.

    Args:
        weighed: See ``expectations.weigh``.
        expectations: Method to what the paper expects of it, perhaps nothing.
        methods: In printed order.
        sources: Lines on networks and preprocessing.
    """
    labels = {method.name: method.label for method in methods}
    blocks = [_rows(weighed[weighed["method"] == method], labels) for method in labels]
    silent = [labels[name] for name, several in expectations.items() if not several]
    notes = [NONE] if weighed.empty else _reading(weighed)
    if silent and len(weighed):
        notes.append(f"Without an expectation: {listed(silent)}.")
    return Table(
        name=NAME,
        caption="Ablations: what the paper says, and what was measured",
        label_headers=("Method", "Subject", "The paper says", "Source", "Measured by", "Against"),
        headers=("Value", "Reference", "Difference", "Expected", "Outcome"),
        blocks=tuple(tuple(rows) for rows in blocks if rows),
        notes=(*notes, *(sources if len(weighed) else ())),
    )


def _rows(weighed: pandas.DataFrame, labels: dict[str, str]) -> list[Row]:
    """Returns one method's rows."""
    rows = []
    for found in rows_of(weighed):
        metric = METRICS[found.metric]
        against = labels[found.against]
        if found.against_subject != found.subject:
            against += f" on {subject_label(found.against_subject)}"
        words = (
            labels[found.method],
            subject_label(found.subject),
            found.claim,
            found.source,
            f"{metric.heading}, {found.prompt_set}",
            against,
        )
        rows.append(Row(words, _entries(found, metric.decimals)))
    return rows


def _entries(found: Any, decimals: int) -> tuple[Entry, ...]:
    outcome = Entry(found.outcome, bold=found.outcome in (Verdict.SEEN, Verdict.OPPOSITE))
    measured = (Entry(), Entry(), Entry())
    if found.outcome != UNMEASURED:
        measured = (
            Entry(number(found.value, decimals)),
            Entry(number(found.reference, decimals)),
            Entry(with_interval(found.difference, found.low, found.high, decimals, signed=True)),
        )
    return (*measured, Entry(found.direction), outcome)


def _reading(weighed: pandas.DataFrame) -> list[str]:
    """Returns how to read the table, and where there are verdicts first how many of which."""
    if (trainings := int(weighed["trainings"].max())) > 1:
        return [_counted(weighed), TRAININGS.format(trainings=trainings)]
    return [ONE_TRAINING]


def _counted(weighed: pandas.DataFrame) -> str:
    """Returns how many expectations had which outcome on each subject."""
    parts = []
    for subject, group in weighed.groupby("subject", sort=False):
        counts = Counter(group["outcome"])
        words = (f"{count} {outcome}" for outcome, count in counts.most_common())
        parts.append(f"{subject_label(str(subject))}: {len(group)} expectations, {listed(words)}")
    return ". ".join(parts) + "."
