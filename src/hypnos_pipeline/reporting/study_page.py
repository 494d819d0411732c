"""The study's page: tables, figures and every cell's extremes in one HTML file that needs nothing else.

Without its few lines of script it lacks nothing but sorting: a cell's panel is shown by the style sheet's
``:target``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting.cells import by_key
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.page_panels import Panels, SmallPictures
from hypnos_pipeline.reporting.page_style import SCRIPT, STYLE
from hypnos_pipeline.reporting.page_tables import OTHER, checks_table, html_table
from hypnos_pipeline.reporting.subject_figures import Group
from hypnos_pipeline.reporting.subject_page import picture_source

if TYPE_CHECKING:
    import pandas
    from PIL import Image

    from hypnos_pipeline.reporting.table import Table

FOLDED = (Group.WHILE_TRAINING, Group.CONTACT_SHEETS)
"""Groups of figures that are opened by a click, many and large as they are."""
OPEN = ("backgrounds", "ablations")
"""Tables whose notes say what is found, not only how to read it."""

HINT = (
    "A click on a value shows its best and worst images and the command that traces it to the photos; a "
    "click on a heading sorts."
)
TITLES = {
    "table_invariant_minus_varying": "Difference",
    "backgrounds": "Backgrounds",
    "ablations": "Ablations",
    OTHER: "Other prompt sets",
}
CHECK = (
    "The images' outer frames, in ΔE (CIE76): the spread of colours within an image, the number of images "
    "whose frame is blank, and how much frames change from image to image; beside them the base model's on "
    "the same prompts and noise. Blank frames under prompts that ask for a scene are a method's failure."
)


@dataclass(frozen=True)
class StudyFigure:
    """A figure of the whole study: its place on the page, heading, caption and picture."""

    anchor: str
    title: str
    caption: str
    picture: Image.Image


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
    pictures = SmallPictures(subjects)
    panels = Panels(by_key(cells), methods, subjects, pictures, env)
    entries = [entry for table in tables for block in table.blocks for row in block for entry in row.entries]
    opened = dict.fromkeys(entry.cells for entry in entries if entry.cells)
    title = f"HYPNOS study: {listed(map(subject_label, subjects))}"
    body = [
        f"<h1>{escape(title)}</h1>",
        _contents(tables, subjects, above, below),
        f"<p>{HINT}</p>",
        *map(_table, tables),
        *map(_study_figure, above),
        *(_subject(name, found) for name, found in subjects.items()),
        *map(_study_figure, below),
        *map(panels.panel, opened),
    ]
    head = [
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}{pictures.style()}</style>",
    ]
    page = ["<!DOCTYPE html>", '<html lang="en"><head>', *head, "</head><body>", *body]
    return "\n".join([*page, f"<script>{SCRIPT}</script>", "</body></html>", ""])


def _contents(
    tables: Iterable[Table],
    subjects: Iterable[str],
    above: Iterable[StudyFigure],
    below: Iterable[StudyFigure],
) -> str:
    links = [(table.name, _title(table)) for table in tables]
    links += [(figure.anchor, figure.title) for figure in above]
    links += [(name, subject_label(name)) for name in subjects]
    links += [(figure.anchor, figure.title) for figure in below]
    linked = (f'<a href="#{anchor}">{escape(text)}</a>' for anchor, text in links)
    return f"<nav>{''.join(linked)}</nav>"


def _title(table: Table) -> str:
    return TITLES.get(table.name, table.caption) if table.number is None else f"Table {table.number}"


def _table(table: Table) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    opened = " open" if table.name in OPEN else ""
    lines = [
        f'<h2 id="{table.name}">{escape(_title(table))}</h2>',
        f"<p>{escape(table.caption)}.{' ' + escape(table.warning) if table.warning else ''}</p>",
        html_table(table),
    ]
    if notes:
        lines.append(f'<details class="notes"{opened}><summary>Notes</summary><ul>{notes}</ul></details>')
    return "\n".join(lines)


def _subject(name: str, found: Mapping[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for figure in found["figures"]:
        groups.setdefault(figure["group"], []).append(_figure(figure))
    lines = [f'<h2 id="{name}">{escape(subject_label(name))}</h2>']
    for group, drawn in groups.items():
        if group in FOLDED:
            lines += [f"<details><summary>{escape(group)}</summary>", *drawn, "</details>"]
        else:
            lines += [f"<h3>{escape(group)}</h3>", *drawn]
    if found["checks"]:
        table = html_table(checks_table(found["checks"]))
        lines += ["<h3>Sample check</h3>", f"<p>{CHECK}</p>", table]
    return "\n".join(lines)


def _study_figure(figure: StudyFigure) -> str:
    drawn = _figure({"caption": figure.caption, "source": picture_source(figure.picture)})
    return f'<h2 id="{figure.anchor}">{escape(figure.title)}</h2>\n{drawn}'


def _figure(figure: Mapping[str, str]) -> str:
    caption = escape(figure["caption"])
    picture = f'<div class="scroll" tabindex="0"><img alt="{caption}" src="{figure["source"]}"></div>'
    return f"<figure><figcaption>{caption}</figcaption>{picture}</figure>"
