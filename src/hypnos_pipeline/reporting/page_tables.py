"""Tables that stand on pages alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.labels import MethodLabel, prompt_set_label, subject_label
from hypnos_pipeline.reporting.paper_values import TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.table import Entry, Row, Table
from hypnos_pipeline.reporting.tables import number, over_trainings

if TYPE_CHECKING:
    import pandas

OTHER = "other_prompt_sets"


def other_cells_table(
    cells: pandas.DataFrame, methods: Sequence[MethodLabel], own_prompts: Collection[str] = ()
) -> Table | None:
    """Returns the cells that stand in no other table, so that each can be opened; None if there are none.

    Args:
        cells: The study's. Metrics of requested colours have a table of their own.
        methods: Of the study.
        own_prompts: Prompt sets that only repeat prompts which HYPNOS trains on.
    """
    requested = {name for name, metric in METRICS.items() if metric.requested_colour}
    rest = cells[~cells["prompt_set"].isin(TABLE_OF_PROMPT_SET) & ~cells["metric"].isin(requested)]
    metrics = [METRICS[name] for name in METRICS if name in set(rest["metric"])]
    if not metrics:
        return None
    named = {method.name: method for method in methods}
    rows = []
    for key, group in rest.groupby(["prompt_set", "subject", "method"], sort=False):
        prompt_set, subject, method = map(str, key)
        means = dict(zip(group["metric"], group["mean"], strict=True))
        entries = tuple(
            Entry(number(means[m.name], m.decimals), cells=(CellKey(prompt_set, subject, method, m.name),))
            if m.name in means
            else Entry()
            for m in metrics
        )
        labels = (prompt_set_label(prompt_set, own_prompts), named[method].label, subject_label(subject))
        rows.append(Row(labels, entries, named[method].reference))
    return Table(
        name=OTHER,
        caption="Prompt sets that stand in none of the paper's tables, compared with the photos as in these"
        + over_trainings(cells),
        label_headers=("Prompt set", "Method", "Subject"),
        headers=tuple(metric.heading for metric in metrics),
        blocks=(tuple(rows),),
    )
