"""The recorded findings, and this run's own values beside them.

``docs/findings.csv`` has a row for each claim and set of photos, from several trainings (its environment is
the study's ``evaluation.findings``). A row is about this run where its set is one of the run's subjects and
its measure compares two of the run's methods. The run is one training of the same kind, so it has no verdict
of its own: its value is a point beside the recorded interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import rows_of
from hypnos_pipeline.reporting.charts import Interval, intervals
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.measures import EXAMPLE, Comparison
from hypnos_pipeline.reporting.statistics import Verdict
from hypnos_pipeline.reporting.trainings import Values, mean_label

if TYPE_CHECKING:
    import pandas

FINDING_COLUMNS = [
    *("claim", "section", "kind", "set", "measure", "direction", "delta"),
    *("difference", "low", "high", "trainings", "verdict"),
]
FILE = "docs/findings.csv"
GROUPS = (*map(str, Verdict), "")
SAYING = (str(Verdict.SEEN), str(Verdict.OPPOSITE))
MEAN = "mean"
"""The set of a row about the mean of a kind's objects; only such a row has a verdict."""


@dataclass(frozen=True)
class Finding:
    """One claim's recorded finding on one kind of set.

    Attributes:
        claim: The claim.
        section: Of the paper.
        verdict: On the mean of the objects, see ``statistics.Verdict``.
        comparison: The two methods and the measure in words.
        trainings: How many each method had.
        chart: SVG of the intervals, with this run's values.
    """

    claim: str
    section: str
    verdict: str
    comparison: str
    trainings: int
    chart: str


@dataclass(frozen=True)
class Recorded:
    """What a page shows of the recorded findings.

    Attributes:
        env: The environment that they were recorded in.
        findings: Those about this run's subjects and methods.
        subjects: Names of the run's subjects that they are about.
        others: Labels of those that they are not about.
    """

    env: str
    findings: Sequence[Finding]
    subjects: Sequence[str]
    others: Sequence[str]

    def by_verdict(self) -> list[tuple[str, list[Finding], bool]]:
        """Returns each verdict, its findings, and whether it decides a claim; those without one come last."""
        groups = {verdict: [each for each in self.findings if each.verdict == verdict] for verdict in GROUPS}
        return [(verdict, several, verdict in SAYING) for verdict, several in groups.items() if several]


def recorded_findings(
    frame: pandas.DataFrame, env: str, values: Values, methods: Sequence[MethodLabel]
) -> Recorded:
    """Returns the recorded findings about a run, with the run's own values.

    Args:
        frame: ``docs/findings.csv``, perhaps without rows.
        env: The environment that they were recorded in.
        values: The run's values of single images, by subject.
        methods: The run's.

    Raises:
        FindingsError: If a column is missing, or a row's measure has another form.
    """
    if missing := [column for column in FINDING_COLUMNS if column not in frame.columns]:
        raise FindingsError(f"{FILE}: the columns {', '.join(missing)} are missing")
    known = {method.name for method in methods}
    grouped: dict[tuple[str, str, Comparison], list[Any]] = {}
    for row in rows_of(frame):
        compared = _compared(row)
        if {compared.method, compared.minus} <= known:
            grouped.setdefault((row.claim, row.kind, compared), []).append(row)
    about = {key: rows for key, rows in grouped.items() if values.keys() & {row.set for row in rows}}
    sets = {row.set for rows in about.values() for row in rows}
    return Recorded(
        env,
        [_finding(compared, rows, values, methods) for (_, _, compared), rows in about.items()],
        [name for name in values if name in sets],
        [subject_label(name) for name in values if name not in sets],
    )


def _compared(row: Any) -> Comparison:
    try:
        compared = Comparison.parse(row.measure)
    except ValueError:
        compared = None
    if compared is None or compared.metric not in METRICS:
        raise FindingsError(
            f"{FILE}: the measure {row.measure!r} of claim {row.claim!r} is not of the form "
            f"{EXAMPLE!r} with a known metric"
        )
    return compared


def _finding(
    compared: Comparison, rows: Sequence[Any], values: Values, methods: Sequence[MethodLabel]
) -> Finding:
    """Returns one claim's finding from its rows, the mean of the objects first."""
    ordered = sorted(rows, key=lambda row: row.set != MEAN)
    objects = [row.set for row in rows if row.set != MEAN]
    singles = {name: _single(values[name], compared) for name in objects if name in values}
    place = [method.name for method in methods].index(compared.minus)
    shown = [
        Interval(
            subject_label(row.set) if row.set != MEAN else mean_label(len(objects), row.kind),
            place,
            row.difference,
            row.low,
            row.high,
            row.low > 0 or row.high < 0,
            _mean(singles, objects) if row.set == MEAN else singles.get(row.set),
        )
        for row in ordered
    ]
    first = ordered[0]
    words = compared.words(methods)
    return Finding(
        str(first.claim),
        str(first.section),
        str(first.verdict) if first.set == MEAN else "",
        words,
        int(first.trainings),
        intervals(f"Recorded: {first.claim}, {first.kind}, {words}", shown, first.delta),
    )


def _single(values: pandas.DataFrame, compared: Comparison) -> float | None:
    """Returns this run's difference, of its first training."""
    return compared.differences(values).get(1)


def _mean(singles: Mapping[str, float | None], objects: Sequence[str]) -> float | None:
    """Returns this run's mean over the objects; None where it lacks one of them."""
    known = [each for each in map(singles.get, objects) if each is not None]
    return sum(known) / len(known) if known and len(known) == len(objects) else None
