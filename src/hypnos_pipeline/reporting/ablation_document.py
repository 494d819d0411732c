"""``docs/ablation_findings.md`` and its table: what several trainings say of the ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.ablations import ablations_table
from hypnos_pipeline.reporting.cells import rows_of
from hypnos_pipeline.reporting.deltas import delta_of
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.statistics import Estimate, pooled, values_of
from hypnos_pipeline.reporting.table import Entry, Row, Table, to_markdown
from hypnos_pipeline.reporting.tables import number
from hypnos_pipeline.reporting.trainings import Values

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.training.settings import Expectation

HEAD = """# What the ablations showed

What the paper expects of each ablation, and what was measured in `{env}`
([The ablation study](ablations.md)). This page is written by `kedro findings write --env {env}`; the same
numbers are in `docs/ablation_findings.csv`.

!!! warning "What this does not cover"
    The study has one rendered object, and miniature models of 64 pixels that were trained for this project.
    The intervals are about other trainings of this object with these prompts. They say nothing of other
    objects, of photographs, or of Stable Diffusion.
"""
LEFT = "{left} more expectations wait for the second training of a method."
SHOWN = (
    *(("invariant", "dino"), ("invariant", "background_leak"), ("varying", "unseen_dino")),
    *(("varying", "scene_obeyed"), ("backgrounds", "foreground_dino"), ("backgrounds", "foreground_ssim")),
    *(("backgrounds", "background_obeyed"), ("disentangle", "disentangled")),
)
"""What is shown of every entry, also of those of which the paper expects nothing: prompt sets and metrics."""
READING = (
    "Mean over trainings ± half of the 95 % interval over trainings, the variance between trainings pooled "
    "over a subject's methods. There are no verdicts here, since not all of these measures were stated "
    "beforehand."
)


def ablation_document(
    env: str,
    weighed: pandas.DataFrame,
    expectations: Mapping[str, Sequence[Expectation]],
    methods: Sequence[MethodLabel],
    left: int,
    values: Values,
) -> str:
    """Returns the page as Markdown.

    Args:
        env: The environment.
        weighed: See ``expectations.weigh``; rows with several trainings.
        expectations: Method to what the paper expects of it.
        methods: In printed order.
        left: How many expectations have no row yet.
        values: Of single images in every training.
    """
    waiting = [LEFT.format(left=left)] if left else []
    tables = ablations_table(weighed, expectations, methods), entries_table(values, methods)
    return "\n\n".join([HEAD.format(env=env), *waiting, *map(to_markdown, tables)])


def entries_table(values: Values, methods: Sequence[MethodLabel]) -> Table:
    """Returns every method's mean of the measures ``SHOWN`` that were taken, on each subject.

    Args:
        values: Of single images in every training.
        methods: In printed order; one without two trainings has no row.
    """
    each = [frame[["prompt_set", "metric"]].drop_duplicates() for frame in values.values()]
    taken = {(row.prompt_set, row.metric) for frame in each for row in rows_of(frame)}
    shown = [measure for measure in SHOWN if measure in taken]
    blocks = []
    for subject, frame in values.items():
        found = {measure: _estimates(frame, methods, measure) for measure in shown}
        rows = [
            Row(
                (method.label, subject_label(subject)),
                tuple(_entry(found[measure].get(method.name), measure[1]) for measure in shown),
            )
            for method in methods
            if any(method.name in each for each in found.values())
        ]
        blocks.append(tuple(rows))
    return Table(
        name="entries",
        caption="Every entry",
        label_headers=("Method", "Subject"),
        headers=tuple(f"{METRICS[metric].heading}, {prompt_set}" for prompt_set, metric in shown),
        blocks=tuple(rows for rows in blocks if rows),
        notes=(READING,),
    )


def _estimates(
    frame: pandas.DataFrame, methods: Sequence[MethodLabel], measure: tuple[str, str]
) -> dict[str, Estimate]:
    """Returns the means of one measure of the methods that have two trainings."""
    means = {
        method.name: values_of(frame, method.name, measure)["value"].groupby(level="training").mean().tolist()
        for method in methods
    }
    several = {name: trainings for name, trainings in means.items() if len(trainings) > 1}
    return pooled(several) if several else {}


def _entry(estimate: Estimate | None, metric: str) -> Entry:
    if estimate is None:
        return Entry()
    half = estimate.mean - estimate.interval()[0]
    decimals = METRICS[metric].decimals
    return Entry(f"{number(estimate.mean, decimals)} ± {number(half, decimals)}")


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
