"""Tables on standard output: aligned, folded to the width of a terminal, whole and plain in a pipe."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()) -> None:
    """Prints a table.

    Args:
        headings: The columns'.
        rows: Texts, one a column.
        numbers: Headings of the columns that are aligned to the right.
    """
    from rich.table import Table
    from rich.text import Text

    from hypnos_pipeline.provenance.rendering import console

    table = Table(box=None, pad_edge=False, header_style="")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)
