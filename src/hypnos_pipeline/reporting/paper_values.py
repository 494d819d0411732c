"""The 168 values of the paper's Tables 1 and 2, read from its text into ``paper_tables.csv``.

Rows within a block of the paper are Funko, rattan chair, Lego (the coloured bullets lost their colour in the
text), and its ``3,6032`` is 3.6032. Two of its columns bear the name of the metric of ours they belong to:

- *CLIP-T* is at ``clip_t_paper``: Section 4.1.1 names the finetuned text encoder against the pretrained image
  embedding.
- *FID* is at ``fid_64``. This is a guess, not verified: the 64-channel tap gives numbers of that size
  (2.4–42.8), the 2048-d one with four photos gives far more. See ``GUESSED``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

TABLE_OF_PROMPT_SET = {"invariant": 1, "varying": 2}

GUESSED = {"fid_64": "the paper's FID stands here; that it used these 64 features is our guess, not verified"}


def paper_values() -> pandas.DataFrame:
    """Returns the paper's values: columns table, subject, method, metric, value; 168 rows in its order."""
    import pandas

    with files(str(__package__)).joinpath("paper_tables.csv").open(encoding="utf-8") as file:
        return pandas.read_csv(file)


@cache
def _lookup() -> dict[tuple[int, str, str, str], float]:
    rows = paper_values().itertuples(index=False)
    return {(int(table), *names): float(value) for table, *names, value in rows}


def paper_value(prompt_set: str, paper_row: str | None, method: str, metric: str) -> float | None:
    """Returns the paper's value of one cell.

    Args:
        prompt_set: ``invariant`` is its Table 1, ``varying`` its Table 2.
        paper_row: funko, rattan_chair or lego_robot; None for a subject the paper does not have.
        method: Name of a method; the paper has hypnos, dreambooth_low_lr, dreambooth_high_lr,
            textual_inversion.
        metric: Name of a metric.

    Returns:
        None where the paper has no such value.
    """
    table = TABLE_OF_PROMPT_SET.get(prompt_set)
    if table is None or paper_row is None:
        return None
    return _lookup().get((table, paper_row, method, metric))
