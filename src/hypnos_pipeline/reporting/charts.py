"""Charts as SVG: drawn by matplotlib, coloured by the page they stand in, the same bytes for the same data.

Text stays text. Colours are the page's CSS variables (``--m0`` and on for methods, ``--line`` for grids) and
``currentColor``, so that a chart is legible in the light and in the dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

INK, GRID, PAPER = "#a1fff0", "#a1fff1", "#a1fff2"
MARKERS = "os^DvPX*"
GLYPHS = "●■▲◆▼✚✖★"
"""What stands for a method in the page's text: the shape that marks it in charts."""
COLOURS = 8
"""Colours that the page tells apart; a ninth method takes the first colour with another shape."""
POINTS = 120
"""Of a line in a chart: more cannot be seen at a chart's width."""
SMOOTHING = 0.08
"""Part of all steps that a learning curve's running mean takes."""
LETTERS = 44
"""Of a line of text that is sure to fit a chart."""
WIDTH = 4.6
"""Inches of a chart, at 72 units each."""


@dataclass(frozen=True)
class Point:
    """One method's point: its place in the study's order, and its values."""

    method: int
    x: float
    y: float


@dataclass(frozen=True)
class Interval:
    """A row of a chart of intervals: its text, the mean, and the interval's ends."""

    text: str
    mean: float
    low: float
    high: float


def glyph(method: int) -> str:
    """Returns the sign of the study's n-th method."""
    return GLYPHS[method % len(GLYPHS)]


def trade_off(
    name: str,
    points: Sequence[Point],
    axes: tuple[str, str],
    limits: tuple[Any, Any],
    better: tuple[bool, bool],
) -> str:
    """Draws methods as points: the better they are on both axes, the farther up and to the right.

    Args:
        name: Of the chart, unique on its page; also what it is called to those who cannot see it.
        points: Of the methods.
        axes: Text of the two axes.
        limits: Lowest and highest value of each axis.
        better: Whether higher is better, of each axis; an axis where lower is better runs backwards.
    """
    with _figure(WIDTH, 3.4) as figure:
        axis = figure.subplots()
        for point in points:
            axis.plot(
                point.x,
                point.y,
                MARKERS[point.method % len(MARKERS)],
                color=_colour(point.method),
                markersize=10,
                markeredgecolor=INK,
                markeredgewidth=0.6,
            )
        for limit, high, set_limits in zip(limits, better, (axis.set_xlim, axis.set_ylim), strict=True):
            set_limits(*(limit if high else reversed(limit)))
        axis.set(xlabel=axes[0], ylabel=axes[1])
        axis.annotate(
            "better ↗", (0.985, 0.97), xycoords="axes fraction", ha="right", va="top", fontsize=10, color=INK
        )
        return _svg(figure, name)


def intervals(name: str, rows: Sequence[Interval], unit: str, better: str) -> str:
    """Draws differences with their intervals beside 0, each below its own text.

    Args:
        name: See :func:`trade_off`.
        rows: From top to bottom.
        unit: Text of the axis.
        better: Which side is better, ``right`` or ``left``, or nothing.
    """
    texts = [wrap(row.text, LETTERS) for row in rows]
    places = np.cumsum([len(lines) + 1.2 for lines in texts])
    with _figure(WIDTH, 0.75 + 0.19 * float(places[-1])) as figure:
        axis = figure.subplots()
        ends = [0.0, *(end for row in rows for end in (row.low, row.high))]
        room = 0.06 * (max(ends) - min(ends) or 1.0)
        axis.set(xlim=(min(ends) - room, max(ends) + room), ylim=(places[-1] + 0.7, -0.2), yticks=[])
        axis.axvline(0.0, color=INK, linewidth=1.0)
        for place, row, lines in zip(places, rows, texts, strict=True):
            clear = row.low > 0 or row.high < 0
            axis.plot([row.low, row.high], [place, place], color=INK, linewidth=2.4 if clear else 1.2)
            axis.plot(row.mean, place, "o", color=INK, markerfacecolor=INK if clear else PAPER, markersize=7)
            corner, across = (0.0, place - 0.65), ("axes fraction", "data")
            axis.annotate(
                "\n".join(lines), corner, xycoords=across, fontsize=10, color=INK, backgroundcolor=PAPER
            )
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(unit + {"right": "   (better →)", "left": "   (← better)", "": ""}[better])
        return _svg(figure, name)


def curves(name: str, lines: Mapping[int, pandas.Series], steps: int, title: str) -> str:
    """Draws one loss of several methods over the training step, each as its running mean.

    Args:
        name: See :func:`trade_off`.
        lines: Method's place in the study's order to its values by step; a line ends where its term ended.
        steps: Of the longest training, which the axis shows whole.
        title: Text above it.
    """
    with _figure(WIDTH, 2.7) as figure:
        axis = figure.subplots()
        for method, values in lines.items():
            smooth = values.rolling(max(1, round(SMOOTHING * len(values))), center=True, min_periods=1).mean()
            shown = smooth.iloc[np.unique(np.linspace(0, len(smooth) - 1, POINTS).round().astype(int))]
            axis.plot(shown.index, shown.to_numpy(), color=_colour(method), linewidth=1.8)
        axis.set_ylim(bottom=0)
        axis.set_xlim(0, steps)
        axis.set_xlabel("step")
        axis.set_title(title, fontsize=11, loc="left")
        return _svg(figure, name)


def _colour(method: int) -> str:
    return f"#a100{method % COLOURS:02x}"


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """Gives a figure of a size in inches, in a style of our own whatever the user's is."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.style import context

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "hypnos",
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "mathtext.default": "regular",
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
        ),
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "axes.grid": True,
        "grid.color": GRID,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with context("default", after_reset=True), matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), dpi=72, layout="constrained")
        FigureCanvasSVG(figure)
        yield figure


def _svg(figure: Figure, name: str) -> str:
    """Returns a figure as an SVG element that can stand in a page beside others."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<(metadata|style)[\s>].*?</\1>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"#a100(\d\d)", lambda found: f"var(--m{int(found[1])})", text)
    text = (
        text.replace(INK, "currentColor")
        .replace(GRID, "var(--line)")
        .replace(PAPER, "var(--paper)")
        .replace("'DejaVu Sans'", "system-ui")
    )
    # Identifiers are of one chart; those of a hidden one must not be found in another's place.
    prefix = re.sub(r"\W+", "-", name)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"| xmlns(?::xlink)?="[^"]*"| version="1.1"', "", text)
    text = re.sub(r"\n\s*", "\n", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(name)}"', 1)


def limits(values: Sequence[float]) -> tuple[float, float]:
    """Returns the ends of an axis that holds all values, with some room."""
    low, high = min(values), max(values)
    room = 0.12 * (high - low) or 0.1
    return low - room, high + room


def without_end(values: pandas.Series) -> pandas.Series:
    """Returns a term's values while it acted: missing ones left out, and the zeros behind its last one."""
    known = values.dropna()
    acting = np.flatnonzero(known.to_numpy())
    return known.iloc[: acting[-1] + 1] if len(acting) else known.iloc[:0]
