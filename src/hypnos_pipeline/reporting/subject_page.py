"""One subject's page: what every stage made of it, in the order of the stages, in one HTML file.

It is the one thing a subject hands out to be looked at. Pictures stand in it, so that it can be sent or
opened alone; it holds no script and no style sheet, which viewers such as kedro-viz would take out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from numbers import Real
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.encoding import in_base64

if TYPE_CHECKING:
    import pandas
    from PIL import Image

WIDEST = 1600
"""Pixels of a picture on the page; sheets of a study at 512 px are wider."""
LEFT_OUT = ("machine",)
"""Of reports: a list of libraries to each method; the reports themselves have it."""
CURVE_ROWS = 8
SPREAD = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: pictures, data frames, reports (mappings) or lists of them."""

    title: str
    parts: Iterable[Any]


def subject_page(title: str, sections: Iterable[Section]) -> str:
    """Returns the page, ending in a newline."""
    body = [f"<h1>{escape(title)}</h1>"]
    for section in sections:
        body += [f"<h2>{escape(section.title)}</h2>", *(_part(part) for part in section.parts)]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>'
    return "\n".join(["<!DOCTYPE html>", f"<html><head>{head}</head><body>", *body, "</body></html>", ""])


def thinned_curve(curve: pandas.DataFrame) -> pandas.DataFrame:
    """Returns some rows of a learning curve, evenly apart, the first and the last among them."""
    rows = min(CURVE_ROWS, len(curve))
    last = len(curve) - 1
    return curve.iloc[sorted({round(last * number / max(1, rows - 1)) for number in range(rows)})]


def spread(pairs: pandas.DataFrame) -> pandas.DataFrame:
    """Returns, per prompt set and metric, where the values of single pairs lie."""
    grouped = pairs.groupby(["prompt_set", "metric"], sort=False)["value"]
    columns = {name: grouped.quantile(part) for name, part in SPREAD.items()}
    return grouped.size().rename("n").to_frame().assign(**columns).reset_index()


def matte_rows(report: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns rows of mattes with their problems, each a mapping, as text, and with how to fix them."""
    return [
        {
            **row,
            "problems": [problem["what"] for problem in row["problems"]],
            "fix": list(dict.fromkeys(problem["fix"] for problem in row["problems"])),
        }
        for row in report
    ]


def picture_source(picture: Image.Image, kind: str = "PNG", **options: Any) -> str:
    """Returns a picture as the address that holds it, at most ``WIDEST`` pixels wide.

    Args:
        picture: Of any size.
        kind: ``PNG`` or ``JPEG``.
        options: Of Pillow's writer.
    """
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, max(1, round(picture.height * WIDEST / picture.width))))
    return f"data:image/{kind.lower()};base64,{in_base64(picture, kind, **options)}"


def _part(part: Any) -> str:
    if hasattr(part, "save"):
        return _picture(part)
    if hasattr(part, "columns"):
        return _table(list(part.columns), part.itertuples(index=False))
    if isinstance(part, Mapping):
        return _table(["", ""], _facts(part))
    rows = list(part)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return _table(columns, ([row.get(key) for key in columns] for row in rows))


def _facts(report: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Returns a report's single values by dotted key; series are left to their own artefacts."""
    facts = []
    for key, value in report.items():
        if key in LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            facts += _facts(value, f"{before}{key}.")
        elif not isinstance(value, list):
            facts.append((f"{before}{key}", value))
    return facts


def _picture(picture: Image.Image) -> str:
    return f'<p><img alt="" style="max-width:100%" src="{picture_source(picture)}"></p>'


def _table(columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    lines = [_row("th", columns), *(_row("td", row) for row in rows)]
    return "\n".join(['<table border="1" cellpadding="4" cellspacing="0">', *lines, "</table>"])


def _row(cell: str, values: Iterable[Any]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(_text(value))}</{cell}>" for value in values) + "</tr>"


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN: a term that did not act
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    exact = isinstance(value, (bool, int, str)) or not isinstance(value, Real)
    return str(value) if exact else f"{float(value):.4g}"
