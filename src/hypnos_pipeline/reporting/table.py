"""A table as data, and its two renderings: Markdown and LaTeX (booktabs)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hypnos_pipeline.reporting.cells import CellKey

ABSENT = "–"

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "δ": r"$\delta$",
    "λ": r"$\lambda$",
    "σ": r"$\sigma$",
    "ᾱ": r"$\bar{\alpha}$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "\N{NO-BREAK SPACE}": "~",
}

_MARKDOWN = {"\\": r"\\", "|": r"\|", "*": r"\*", "<": "&lt;", ">": "&gt;", "`": r"\`"}


@dataclass(frozen=True)
class Entry:
    """One value of a table.

    Attributes:
        text: As printed.
        bold: Whether it stands out.
        cells: The study's cells that it shows: one, or those whose difference it is, or none.
    """

    text: str = ABSENT
    bold: bool = False
    cells: tuple[CellKey, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        labels: As many as the table has label columns. Markdown and LaTeX leave the first out where it is
            that of the row above in the block.
        entries: As many as the table has value columns.
        reference: Whether it is not ranked.
    """

    labels: tuple[str, ...]
    entries: tuple[Entry, ...]
    reference: bool = False


@dataclass(frozen=True)
class Table:
    """A table in plain text, Unicode signs included; the renderings escape it.

    Attributes:
        name: Identifier, the LaTeX label.
        caption: One line above the table, without its number.
        label_headers: Headers of the label columns.
        headers: Headers of the value columns.
        blocks: Groups of rows, set apart from one another.
        number: The table's number; LaTeX counts its own.
        warning: What must be read with the caption.
        notes: Lines below the table.
    """

    name: str
    caption: str
    label_headers: tuple[str, ...]
    headers: tuple[str, ...]
    blocks: tuple[tuple[Row, ...], ...]
    number: int | None = None
    warning: str = ""
    notes: tuple[str, ...] = ()


def escape_latex(text: str) -> str:
    """Returns plain text as LaTeX: special characters escaped, known signs as mathematics."""
    return "".join(_LATEX.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    """Returns plain text as a cell of a Markdown table."""
    return "".join(_MARKDOWN.get(character, character) for character in text)


def to_markdown(table: Table) -> str:
    """Returns the table as Markdown: caption, table padded to be read as it stands, notes as a list.

    Markdown knows no rule between rows, so blocks are set apart by an empty row.
    """
    lines = [[escape_markdown(text) for text in (*table.label_headers, *table.headers)]]
    for number, block in enumerate(block for block in table.blocks if block):
        if number:
            lines.append([""] * len(lines[0]))
        lines += _printed(block, escape_markdown, "**{}**")
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(lines[0]))]
    labels = len(table.label_headers)
    rule = ["-" * width if i < labels else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    printed = [_padded(lines[0], widths, labels), _padded(rule, widths, labels)]
    printed += [_padded(line, widths, labels) for line in lines[1:]]
    notes = [f"- {escape_markdown(note)}" for note in table.notes]
    title = table.caption if table.number is None else f"Table {table.number}: {table.caption}"
    warning = [escape_markdown(table.warning), ""] if table.warning else []
    lines_above = [f"**{escape_markdown(title)}**", "", *warning]
    return "\n".join([*lines_above, *printed, "", *notes]).rstrip() + "\n"


def _padded(line: Sequence[str], widths: Sequence[int], labels: int) -> str:
    cells = [
        text.ljust(width) if i < labels else text.rjust(width)
        for i, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def to_latex(table: Table) -> str:
    r"""Returns the table as a LaTeX ``table``; it needs the packages booktabs and graphicx.

    The body is scaled to the text's width, since seven metrics with their deviations rarely fit it.
    """
    caption = f"{table.caption}. {table.warning}" if table.warning else table.caption
    columns = "l" * len(table.label_headers) + "r" * len(table.headers)
    body = [_latex_line([escape_latex(text) for text in (*table.label_headers, *table.headers)]), r"\midrule"]
    for number, block in enumerate(block for block in table.blocks if block):
        if number:
            body.append(r"\midrule")
        for position, cells in enumerate(_printed(block, escape_latex, r"\textbf{{{}}}")):
            if position and cells[0]:
                body.append(r"\addlinespace")
            body.append(_latex_line(cells))
    notes = [rf"\par\smallskip\footnotesize {escape_latex(note)}" for note in table.notes]
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{tab:{table.name.replace('_', '-')}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        *([r"\begin{flushleft}", *notes, r"\end{flushleft}"] if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _printed(block: Sequence[Row], escape: Callable[[str], str], bold: str) -> Iterator[list[str]]:
    """Yields the escaped texts of each row, the first label empty where it is that of the row above."""
    above = None
    for row in block:
        labels = ("" if row.labels[0] == above else row.labels[0], *row.labels[1:])
        entries = (bold.format(escape(e.text)) if e.bold else escape(e.text) for e in row.entries)
        yield [*map(escape, labels), *entries]
        above = row.labels[0]


def _latex_line(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"
