"""The study's page: tables, figures and every cell's extremes in one HTML file that needs nothing else.

Without its few lines of script it lacks nothing but sorting: a cell's panel is shown by the style sheet's
``:target``. Small pictures stand in the style sheet, once each, since many cells show the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.labels import MethodLabel, listed, subject_label
from hypnos_pipeline.reporting.paper_values import TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.subject_page import picture_source
from hypnos_pipeline.reporting.tables import number

if TYPE_CHECKING:
    import pandas
    from PIL import Image

    from hypnos_pipeline.reporting.table import Table

FOLDED = ("While training", "Contact sheets")
"""Groups of figures that are opened by a click, many and large as they are."""

HINT = (
    "A click on a value shows its best and worst images and the command that traces it to the photos; a "
    "click on a heading sorts. The commands are for the environment mini; for another one, the name of "
    "the folder that this page lies in, add <code>--env</code>."
)

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 25%, Canvas); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 0 1rem 4rem; }
h2 { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1rem; }
nav a { display: inline-block; margin-right: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; white-space: nowrap; }
.label { text-align: left; }
.reference { font-style: italic; }
th button { all: unset; cursor: pointer; font-weight: bold; }
th button:focus-visible { outline: 2px solid; }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
td a { color: inherit; text-decoration: underline dotted; }
.notes { font-size: .875rem; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
.scroll img { height: auto; max-width: max(100%, 44rem); }
.command { background: color-mix(in srgb, CanvasText 8%, Canvas); display: block; overflow-wrap: anywhere;
  padding: .4rem .6rem; white-space: normal; user-select: all; -webkit-user-select: all; }
.cell { display: none; }
.cell:target { background: Canvas; border-top: 2px solid; bottom: 0; box-sizing: border-box; display: block;
  left: 0; max-height: 75vh; overflow-y: auto; padding: .5rem 1rem 1rem; position: fixed; right: 0; }
.cell h3 { margin: 0 5rem .5rem 0; }
.close { position: absolute; right: 1rem; top: .5rem; }
.ends { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.pairs { display: flex; flex-wrap: wrap; gap: .75rem; }
.pair { --side: 76px; font-size: .8rem; line-height: 1.3; overflow-wrap: anywhere;
  width: calc(2 * var(--side) + 4px); }
.small { background: center / contain no-repeat; display: inline-block; height: var(--side);
  width: var(--side); }
.small + .small { margin-left: 4px; }
p code { white-space: nowrap; }
@media (max-width: 700px) {
  h1 { font-size: 1.4rem; }
  .label { white-space: normal; }
  .pairs { gap: .5rem; }
  .pair { --side: 50px; font-size: .7rem; }
}
"""

SCRIPT = """
for (const heading of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    const body = heading.closest("table").tBodies[0];
    const text = row => row.cells[heading.cellIndex].textContent.replace("\\u2212", "-");
    const words = heading.classList.contains("label");
    const order = (a, b) => {
      if (words) return text(a).localeCompare(text(b)) * (down ? -1 : 1);
      const [x, y] = [parseFloat(text(a)), parseFloat(text(b))];
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
      return (x - y) * (down ? -1 : 1);
    };
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(order));
  });
}
"""

Key = tuple[str, str, str, str]
"""Prompt set, subject, method and metric."""


def study_page(
    cells: pandas.DataFrame,
    tables: Iterable[Table],
    methods: Sequence[MethodLabel],
    subjects: Mapping[str, Mapping[str, Any]],
    loss_curve: Image.Image,
) -> str:
    """Returns the page, ending in a newline.

    Args:
        cells: The study's cells, one panel each.
        tables: As data; their cells are found by their labels and headings.
        methods: Of the study.
        subjects: Subject to what ``subject_figures`` gave.
        loss_curve: Eq. 2's.
    """
    tables = list(tables)
    title = f"HYPNOS study: {listed(map(subject_label, subjects))}"
    known = {(c.prompt_set, c.subject, c.method, c.metric): c for c in cells.itertuples(index=False)}
    small = _Small(subjects)
    loss_figure = {
        "caption": "The loss for the study's σ and others (Fig. 7a)",
        "source": picture_source(loss_curve),
    }
    links = [(table.name, _title(table)) for table in tables]
    links += [(name, subject_label(name)) for name in subjects] + [("loss", "Eq. 2")]
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<nav>{''.join(_link(anchor, text) for anchor, text in links)}</nav>",
        f"<p>{HINT}</p>",
        *(_table(table, methods, subjects, known) for table in tables),
        *(_subject(name, figures["figures"]) for name, figures in subjects.items()),
        '<h2 id="loss">Eq. 2</h2>',
        _figure(loss_figure),
        *(_panel(key, cell, methods, subjects, small) for key, cell in known.items()),
    ]
    head = [
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}{small.style()}</style>",
    ]
    page = ["<!DOCTYPE html>", '<html lang="en"><head>', *head, "</head><body>", *body]
    return "\n".join([*page, f"<script>{SCRIPT}</script>", "</body></html>", ""])


def trace_command(prompt_set: str, subject: str, method: str, metric: str) -> str:
    """Returns the command that traces a cell from the raw photos."""
    table = TABLE_OF_PROMPT_SET.get(prompt_set)
    where = f"--table {table}" if table else f"--prompt-set {prompt_set}"
    return f"kedro cell trace {where} --subject {subject} --method {method} --metric {metric}"


class _Small:
    """Small pictures, each once in the style sheet, under a class of its own."""

    def __init__(self, subjects: Mapping[str, Mapping[str, Any]]) -> None:
        sources = {(name, key): s for name, found in subjects.items() for key, s in found["pictures"].items()}
        self._classes = {key: f"p{position}" for position, key in enumerate(sources)}
        self._sources = sources

    def style(self) -> str:
        rules = (f".{name} {{ background-image: url({self._sources[key]}) }}" for key, name in self._items())
        return "\n".join(rules)

    def show(self, subject: str, picture: str, text: str) -> str:
        text = escape(text)
        name = self._classes[subject, picture]
        return f'<span class="small {name}" role="img" aria-label="{text}" title="{text}"></span>'

    def _items(self) -> Iterable[tuple[tuple[str, str], str]]:
        return self._classes.items()


def _title(table: Table) -> str:
    words = {"table_invariant_minus_varying": "Difference", "backgrounds": "Backgrounds"}
    return words.get(table.name, table.caption) if table.number is None else f"Table {table.number}"


def _table(table: Table, methods: Sequence[MethodLabel], subjects: Iterable[str], known: Mapping) -> str:
    """Returns a table with a link in every value that is a cell's, its labels repeated in every row."""
    method_names = {method.label: method.name for method in methods}
    references = {method.label for method in methods if method.reference}
    subject_names = {subject_label(name): name for name in subjects}
    at = {header: position for position, header in enumerate(table.label_headers)}
    rows, labels = [], ("",) * len(table.label_headers)
    for row in (row for block in table.blocks for row in block):
        labels = tuple(new or old for new, old in zip(row.labels, labels, strict=True))
        method, subject = labels[at["Method"]], subject_names[labels[at["Subject"]]]
        ours = method_names[method.partition(" − ")[0]]
        values = []
        for header, entry in zip(table.headers, row.entries, strict=True):
            key = _cell_of(header, table.number, subject, ours, known)
            text = f"<b>{escape(entry.text)}</b>" if entry.bold else escape(entry.text)
            values.append(f"<td>{_link(_anchor(key), text, escaped=True) if key else text}</td>")
        named = "".join(f'<td class="label">{escape(label)}</td>' for label in labels)
        kind = ' class="reference"' if method in references else ""
        rows.append(f"<tr{kind}>{named}{''.join(values)}</tr>")
    headings = [f'<th scope="col" class="label">{escape(header)}</th>' for header in table.label_headers]
    headings += [f'<th scope="col">{escape(header)}</th>' for header in table.headers]
    lines = [
        f'<h2 id="{table.name}">{escape(_title(table))}</h2>',
        f"<p>{escape(table.caption)}.{' ' + escape(table.warning) if table.warning else ''}</p>",
        '<div class="scroll"><table>',
        f"<thead><tr>{''.join(headings)}</tr></thead><tbody>",
        *rows,
        "</tbody></table></div>",
        '<ul class="notes">',
        *(f"<li>{escape(note)}</li>" for note in table.notes),
        "</ul>",
    ]
    return "\n".join(lines)


def _cell_of(header: str, table: int | None, subject: str, method: str, known: Mapping) -> Key | None:
    """Returns the cell that a table's value is, or is taken from; a difference leads to the varying one."""
    for metric in METRICS.values():
        if header == f"{metric.label} {metric.arrow}".strip():
            sets = [name for name in dict.fromkeys(key[0] for key in known)]
            if not metric.asked_colour:
                sets = [name for name in sets if TABLE_OF_PROMPT_SET.get(name) == table]
            keys = [(name, subject, method, metric.name) for name in sets]
            return next((key for key in keys if key in known), None)
        for part in ("invariant", "varying", "difference"):
            if header == f"{metric.label} {part}":
                key = ("varying" if part == "difference" else part, subject, method, metric.name)
                return key if key in known else None
    return None


def _subject(name: str, figures: Iterable[Mapping[str, str]]) -> str:
    groups: dict[str, list[str]] = {}
    for figure in figures:
        groups.setdefault(figure["group"], []).append(_figure(figure))
    lines = [f'<h2 id="{name}">{escape(subject_label(name))}</h2>']
    for group, drawn in groups.items():
        if group in FOLDED:
            lines += [f"<details><summary>{escape(group)}</summary>", *drawn, "</details>"]
        else:
            lines += [f"<h3>{escape(group)}</h3>", *drawn]
    return "\n".join(lines)


def _figure(figure: Mapping[str, str]) -> str:
    caption = escape(figure["caption"])
    picture = f'<div class="scroll"><img alt="{caption}" src="{figure["source"]}"></div>'
    return f"<figure><figcaption>{caption}</figcaption>{picture}</figure>"


def _panel(key: Key, cell: Any, methods: Sequence[MethodLabel], subjects: Mapping, small: _Small) -> str:
    """Returns what a click on a cell shows: its extremes and its command."""
    prompt_set, subject, method, name = key
    metric, label = METRICS[name], next(each.label for each in methods if each.name == method)
    found = subjects[subject]
    entry = next(
        (
            e
            for e in found["extremes"]
            if (e["prompt_set"], e["method"], e["metric"]) == (prompt_set, method, name)
        ),
        None,
    )
    value = f"{metric.label} {number(cell.mean, metric.decimals)}"
    lines = [
        f'<section class="cell" id="{_anchor(key)}"><a class="close" href="#_">Close</a>',
        f"<h3>{escape(f'{value}: {label}, {subject_label(subject)}, {prompt_set}')}</h3>",
    ]
    if entry is None:
        lines.append("<p>A value of all images together; no single image has one.</p>")
    else:
        ends = ("Highest", "Lowest") if metric.higher_is_better is None else ("Best", "Worst")
        lines.append('<div class="ends">')
        for end, pairs in zip(ends, (entry["best"], entry["worst"]), strict=True):
            shown = "".join(_pair(pair, metric, subject, method, found, small) for pair in pairs)
            lines.append(f'<div><b>{end}</b><div class="pairs">{shown}</div></div>')
        lines.append("</div>")
    command = trace_command(*key)
    return "\n".join([*lines, f'<code class="command">{escape(command)}</code></section>'])


def _pair(pair: Mapping, metric: Metric, subject: str, method: str, found: Mapping, small: _Small) -> str:
    """Returns an image, the photo that it was compared with, its value and its prompt."""
    prompt = found["prompts"][f"{method}/{pair['image']}"]
    pictures = small.show(subject, f"{method}/{pair['image']}", f"{pair['image']}: {prompt}")
    if pair["photo"]:
        pictures += small.show(subject, f"photo/{pair['photo']}", f"photo {pair['photo']}")
    value = number(pair["value"], metric.decimals)
    return f'<div class="pair">{pictures}<br><b>{value}</b> {escape(pair["image"])}<br>{escape(prompt)}</div>'


def _anchor(key: Key) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", ".".join(key))


def _link(anchor: str, text: str, escaped: bool = False) -> str:
    return f'<a href="#{escape(anchor)}">{text if escaped else escape(text)}</a>'
