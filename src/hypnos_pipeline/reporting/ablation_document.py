"""``docs/ablation_findings.md`` and its table: what several trainings say of the ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hypnos_pipeline.reporting.ablations import ablations_table
from hypnos_pipeline.reporting.cells import rows_of
from hypnos_pipeline.reporting.deltas import delta_of
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.table import to_markdown

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


def ablation_document(
    env: str,
    weighed: pandas.DataFrame,
    expectations: Mapping[str, Sequence[Expectation]],
    methods: Sequence[MethodLabel],
    left: int,
) -> str:
    """Returns the page as Markdown.

    Args:
        env: The environment.
        weighed: See ``expectations.weigh``; rows with several trainings.
        expectations: Method to what the paper expects of it.
        methods: In printed order.
        left: How many expectations have no row yet.
    """
    waiting = [LEFT.format(left=left)] if left else []
    table = to_markdown(ablations_table(weighed, expectations, methods))
    return "\n\n".join([HEAD.format(env=env), *waiting, table])


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
