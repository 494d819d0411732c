"""The study's page: tables, figures and every cell's extremes in one HTML file that needs nothing else.

Without its few lines of script it lacks nothing but sorting: a cell's panel is shown by the style sheet's
``:target``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting.cells import by_key
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.page_panels import Panels, anchor
from hypnos_pipeline.reporting.page_tables import OTHER, checks_table
from hypnos_pipeline.reporting.pages import picture_source, render
from hypnos_pipeline.reporting.subject_figures import Group

if TYPE_CHECKING:
    import pandas
    from PIL import Image

    from hypnos_pipeline.reporting.table import Table

FOLDED = (Group.WHILE_TRAINING, Group.CONTACT_SHEETS)
"""Groups of figures that are opened by a click, many and large as they are."""
OPEN = ("backgrounds", "ablations")
"""Tables whose notes say what is found, not only how to read it."""

TITLES = {
    "table_invariant_minus_varying": "Difference",
    "backgrounds": "Backgrounds",
    "ablations": "Ablations",
    OTHER: "Other prompt sets",
}


@dataclass(frozen=True)
class StudyFigure:
    """A figure of the whole study: its place on the page, heading, caption and picture."""

    anchor: str
    title: str
    caption: str
    picture: Image.Image

    @property
    def source(self) -> str:
        """Returns the address that holds the picture."""
        return picture_source(self.picture)


def study_page(
    cells: pandas.DataFrame,
    tables: Sequence[Table],
    methods: Sequence[MethodLabel],
    subjects: Mapping[str, Mapping[str, Any]],
    env: str,
    *,
    above: Sequence[StudyFigure] = (),
    below: Sequence[StudyFigure] = (),
) -> str:
    """Returns the page, ending in a newline.

    Args:
        cells: The study's cells.
        tables: In the page's order.
        methods: Of the study.
        subjects: Subject to what ``subject_figures`` gave.
        env: The study's environment.
        above: Figures before the subjects.
        below: Figures behind them.
    """
    panels = Panels(by_key(cells), methods, subjects, env)
    entries = [entry for table in tables for block in table.blocks for row in block for entry in row.entries]
    opened = dict.fromkeys(entry.cells for entry in entries if entry.cells)
    return render(
        "study_page.html",
        title=f"HYPNOS study: {listed(map(subject_label, subjects))}",
        tables=[(table, _title(table)) for table in tables],
        subjects=[_subject(name, found) for name, found in subjects.items()],
        above=above,
        below=below,
        panels=[panels.panel(keys) for keys in opened],
        small=panels.small.values(),
        anchor=anchor,
        folded=FOLDED,
        opened=OPEN,
    )


def _title(table: Table) -> str:
    return TITLES.get(table.name, table.caption) if table.number is None else f"Table {table.number}"


def _subject(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    groups = groupby(found["figures"], key=itemgetter("group"))
    return {
        "name": name,
        "label": subject_label(name),
        "groups": [(group, list(figures)) for group, figures in groups],
        "checks": checks_table(found["checks"]) if found["checks"] else None,
    }
