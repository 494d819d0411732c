"""What every stage made of one subject, in the order of the stages: the last part of the subject's page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting.pages import picture_source

if TYPE_CHECKING:
    import pandas

LEFT_OUT = ("machine",)
"""Of reports: a list of libraries to each method; the reports themselves have it."""
CURVE_ROWS = 8
SPREAD = {"5 %": 0.05, "median": 0.5, "95 %": 0.95}


def stage_sections(sections: Iterable[tuple[str, Iterable[Any]]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Returns headings, each with pictures and tables as the page's template draws them.

    Args:
        sections: A heading and what stands below it: pictures, data frames, reports (mappings) or lists of
            these.
    """
    return [(heading, [_part(part, heading) for part in parts]) for heading, parts in sections]


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


def _part(part: Any, heading: str) -> dict[str, Any]:
    """Returns the ``source`` and ``caption`` of a picture, or the ``columns`` and ``rows`` of a table."""
    if hasattr(part, "save"):
        return {"source": picture_source(part), "caption": heading}
    if hasattr(part, "columns"):
        columns, rows = list(part.columns), part.itertuples(index=False)
    elif isinstance(part, Mapping):
        columns, rows = ["", ""], _facts(part)
    else:
        columns = list(dict.fromkeys(key for row in part for key in row))
        rows = ([row.get(key) for key in columns] for row in part)
    return {"columns": columns, "rows": [[_text(value) for value in row] for row in rows]}


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


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN: a term that did not act
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    exact = isinstance(value, (bool, int, str)) or not isinstance(value, Real)
    return str(value) if exact else f"{float(value):.4g}"
