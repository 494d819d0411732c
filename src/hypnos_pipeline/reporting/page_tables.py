"""Tables of the study's page: every value that is a cell's, or made of cells, leads to its panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.page_panels import Key, anchor
from hypnos_pipeline.reporting.paper_values import TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.table import Entry, Row, Table
from hypnos_pipeline.reporting.tables import number

if TYPE_CHECKING:
    import pandas

MINUS = " − "
"""Between the labels of two methods in a row of their differences."""
PROMPT_SET = "Prompt set"
OTHER = "other_prompt_sets"


def other_cells_table(cells: pandas.DataFrame, methods: Sequence[MethodLabel]) -> Table | None:
    """Returns the cells that stand in no other table, so that each can be opened; None if there are none.

    Args:
        cells: The study's. Metrics of asked colours have a table of their own.
        methods: Of the study.
    """
    asked = {name for name, metric in METRICS.items() if metric.asked_colour}
    rest = cells[~cells["prompt_set"].isin(TABLE_OF_PROMPT_SET) & ~cells["metric"].isin(asked)]
    metrics = [METRICS[name] for name in METRICS if name in set(rest["metric"])]
    if not metrics:
        return None
    labels = {method.name: method.label for method in methods}
    rows = []
    for (prompt_set, subject, method), group in rest.groupby(["prompt_set", "subject", "method"], sort=False):
        means = dict(zip(group["metric"], group["mean"], strict=True))
        entries = [Entry(number(means[m.name], m.decimals)) if m.name in means else Entry() for m in metrics]
        rows.append(Row((prompt_set, labels[method], subject_label(subject)), tuple(entries)))
    return Table(
        name=OTHER,
        caption="Prompt sets that stand in none of the paper's tables, compared with the photos as in these",
        label_headers=(PROMPT_SET, "Method", "Subject"),
        headers=tuple(f"{metric.label} {metric.arrow}".strip() for metric in metrics),
        blocks=(tuple(rows),),
        notes=(),
    )


def panels_of(
    table: Table, methods: Sequence[MethodLabel], subjects: Iterable[str], known: Mapping[Key, Any]
) -> list[list[tuple[Key, ...]]]:
    """Returns, row by row, the cells behind each value: one, two for a difference, none for other values.

    Args:
        table: As data; cells are found by labels and headings.
        methods: Of the study.
        subjects: Names.
        known: Every cell.
    """
    method_names = {method.label: method.name for method in methods}
    subject_names = {subject_label(name): name for name in subjects}
    found = []
    for labels in _full_labels(table):
        named = dict(zip(table.label_headers, labels, strict=True))
        label = named["Method"]
        ours = [label] if label in method_names else label.split(MINUS)
        names = [method_names[each] for each in ours]
        subject, prompt_set = subject_names[named["Subject"]], named.get(PROMPT_SET)
        wanted = [
            _cells_of(header, table.number, prompt_set, subject, names, known) for header in table.headers
        ]
        found.append([tuple(key for key in keys if key in known) for keys in wanted])
    return found


def linked_table(table: Table, methods: Sequence[MethodLabel], panels: list[list[tuple[Key, ...]]]) -> str:
    """Returns a table as HTML, a link in every value with cells behind it, its labels in every row."""
    references = {method.label for method in methods if method.reference}
    rows = []
    entries = [row.entries for block in table.blocks for row in block]
    for labels, values, behind in zip(_full_labels(table), entries, panels, strict=True):
        drawn = [_value(entry, keys) for entry, keys in zip(values, behind, strict=True)]
        kind = ' class="reference"' if references.intersection(labels) else ""
        rows.append(f"<tr{kind}>{''.join(map(_label, labels))}{''.join(drawn)}</tr>")
    return sortable(table.label_headers, table.headers, rows)


def unlinked_table(table: Table) -> str:
    """Returns a table as HTML whose values are no cells, its labels in every row."""
    rows = []
    entries = [row.entries for block in table.blocks for row in block]
    for labels, values in zip(_full_labels(table), entries, strict=True):
        drawn = "".join(_value(entry, ()) for entry in values)
        rows.append(f"<tr>{''.join(map(_label, labels))}{drawn}</tr>")
    return sortable(table.label_headers, table.headers, rows)


def plain_table(rows: Sequence[Mapping[str, Any]], words: Sequence[str]) -> str:
    """Returns rows of equal keys as a sortable table.

    Args:
        rows: At least one.
        words: Keys whose values are words; they stand to the left.
    """
    numbers = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in words]
    lines = []
    for row in rows:
        values = "".join(f"<td>{escape(str(row.get(key, '–')))}</td>" for key in numbers)
        lines.append(f"<tr>{''.join(_label(str(row.get(key, ''))) for key in words)}{values}</tr>")
    return sortable(words, numbers, lines)


def sortable(words: Iterable[str], numbers: Iterable[str], rows: Iterable[str]) -> str:
    """Returns a table that scrolls where it is too wide and whose headings the script makes buttons."""
    headings = [f'<th scope="col" class="label">{escape(header)}</th>' for header in words]
    headings += [f'<th scope="col">{escape(header)}</th>' for header in numbers]
    head = f"<thead><tr>{''.join(headings)}</tr></thead>"
    return "\n".join(
        ['<div class="scroll" tabindex="0"><table>', head, "<tbody>", *rows, "</tbody></table></div>"]
    )


def _full_labels(table: Table) -> list[tuple[str, ...]]:
    """Returns every row's labels; a table leaves out those that the row above has."""
    full, labels = [], ("",) * len(table.label_headers)
    for row in (row for block in table.blocks for row in block):
        labels = tuple(new or old for new, old in zip(row.labels, labels, strict=True))
        full.append(labels)
    return full


def _label(text: str) -> str:
    return f'<td class="label">{escape(text)}</td>'


def _value(entry: Entry, keys: tuple[Key, ...]) -> str:
    text = f"<b>{escape(entry.text)}</b>" if entry.bold else escape(entry.text)
    return f'<td><a href="#{anchor(keys)}">{text}</a></td>' if keys else f"<td>{text}</td>"


def _cells_of(
    header: str,
    table: int | None,
    prompt_set: str | None,
    subject: str,
    methods: Sequence[str],
    known: Mapping[Key, Any],
) -> list[Key]:
    for metric in METRICS.values():
        if header == f"{metric.label} {metric.arrow}".strip():
            sets = dict.fromkeys(key[0] for key in known)
            if prompt_set is not None:
                sets = {prompt_set: None}
            elif not metric.asked_colour:
                sets = {name: None for name in sets if TABLE_OF_PROMPT_SET.get(name) == table}
            return [(name, subject, method, metric.name) for method in methods for name in sets]
        for part in ("invariant", "varying"):
            if header == f"{metric.label} {part}":
                return [(part, subject, method, metric.name) for method in methods]
        if header == f"{metric.label} difference":
            sides = ("invariant", "varying")
            return [(part, subject, method, metric.name) for method in methods for part in sides]
    return []
