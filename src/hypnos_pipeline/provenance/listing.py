"""Cells as tables for a terminal: methods by metrics, or one row to a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.provenance.cells import Cell

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hypnos_pipeline.provenance.against_record import Beside

HEADLINE = ("dino", "clip_i", "clip_t", "fid", "ssim", "psnr", "lpips")
"""The paper's metrics, in its order."""
IN_A_ROW = 7
"""Metrics beside one another: as many as fit a terminal of 100 columns."""
SIGNIFICANT = 4
VERDICTS = {
    "equal": "equal to the record",
    "within": "within what trainings differ by",
    "beyond": "beyond what trainings differ by",
    "no spread known": "different, and no trainings tell by how much they may",
    "new": "not in the record",
    "gone": "only in the record",
}
"""What a comparison says of a cell, in the words of its last line."""


def by_method(cells: Sequence[Cell], every_metric: bool = False) -> Iterator[RenderableType]:
    """Yields a table of methods by metrics for each prompt set and subject, in the cells' order.

    Args:
        cells: Any number.
        every_metric: Whether metrics beside the paper's are shown too; they are anyway where no other is.
    """
    for prompt_set, subject in dict.fromkeys((cell.prompt_set, cell.subject) for cell in cells):
        own = [cell for cell in cells if (cell.prompt_set, cell.subject) == (prompt_set, subject)]
        metrics = list(dict.fromkeys(cell.metric for cell in own))
        headline = [name for name in HEADLINE if name in metrics]
        shown = headline if headline and not every_metric else metrics
        table = own[0].table
        where = f"table {table} ({prompt_set})" if table else prompt_set
        left_out = len(metrics) - len(shown)
        more = f"   {left_out} more metrics: --every-metric" if left_out else ""
        yield Text(f"{where}, {subject}{more}", "bold")
        for start in range(0, len(shown), IN_A_ROW):
            yield _methods(own, shown[start : start + IN_A_ROW])
        yield Text("")


def _methods(cells: Sequence[Cell], metrics: Sequence[str]) -> Table:
    table = _table("method")
    for name in metrics:
        arrow = METRICS[name].arrow if name in METRICS else ""
        table.add_column(f"{name} {arrow}".strip(), justify="right")
    values = {(cell.method, cell.metric): _mean(cell) for cell in cells}
    for method in dict.fromkeys(cell.method for cell in cells):
        table.add_row(method, *(values.get((method, name), "-") for name in metrics))
    return table


def by_row(cells: Sequence[Cell]) -> Table:
    """Returns the cells as rows: what names them, value, standard deviation, n, and between trainings."""
    table = _table("table", "prompt set", "subject", "method", "metric")
    for number in ("value", "std", "n", "trainings", "between"):
        table.add_column(number, justify="right")
    for c in cells:
        values = _short(c.mean), _short(c.std), c.n, c.trainings, _short(c.std_trainings)
        table.add_row(c.table or "-", c.prompt_set, c.subject, c.method, c.metric, *values)
    return table


def by_difference(found: Sequence[Beside]) -> Table:
    """Returns cells beside the record's: both values, their difference, and how far trainings lie apart."""
    table = _table("prompt set", "subject", "method", "metric")
    for number in ("value", "record", "difference", "trainings differ by"):
        table.add_column(number, justify="right")
    table.add_column("verdict")
    for each in found:
        c = each.named
        values = [_short(cell.mean) if cell else "-" for cell in (each.cell, each.recorded)]
        difference = "-" if each.difference is None else f"{each.difference:+.{SIGNIFICANT}g}"
        spread = "-" if each.spread is None else f"± {each.spread:.2g}"
        names = c.prompt_set, c.subject, c.method, c.metric
        table.add_row(*names, *values, difference, spread, each.verdict)
    return table


def in_words(found: Sequence[Beside]) -> str:
    """Returns how many cells have which verdict, in a line."""
    counts = Counter(each.verdict for each in found)
    shown = ", ".join(f"{counts[verdict]} {words}" for verdict, words in VERDICTS.items() if counts[verdict])
    return f"{len(found)} cell{'s' * (len(found) != 1)}: {shown}"


def _mean(cell: Cell) -> str:
    """Returns the value, and the deviation between trainings if there are several."""
    if not cell.std_trainings:
        return _short(cell.mean, SIGNIFICANT)
    return f"{_short(cell.mean, SIGNIFICANT)} ± {_short(cell.std_trainings, 2)}"


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="")


def _short(number: str, digits: int = 6) -> str:
    return f"{float(number):.{digits}g}" if number else "-"
