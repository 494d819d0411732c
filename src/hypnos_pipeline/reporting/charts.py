"""Charts as SVG: drawn by matplotlib, coloured by the page they stand in, the same bytes for the same data.

Text stays text. Colours are the page's CSS variables (``--m0`` and on for methods, ``--line`` for grids) and
``currentColor``, so that a chart is legible in the light and in the dark, and without a style sheet too.
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID, PAPER = "#a1fff0", "#a1fff1", "#a1fff2"
MARKERS = "os^DvPX*"
GLYPHS = "●■▲◆▼✚✖★"
"""What stands for a method in the page's text: the shape that marks it in charts."""
COLOURS = ("#0b7a75", "#d0761b", "#b3264f", "#5560c0", "#767d84", "#8a6d00", "#2f7d32", "#8a3fa8")
"""Of methods, on a light page. A ninth method takes the first again."""
POINTS = 120
"""Of a line in a chart: more cannot be seen at a chart's width."""
FEW_POINTS = 40
"""Up to which they are drawn large."""
SMOOTHING = 0.08
"""Part of all steps that a learning curve's running mean takes."""
LETTERS = 14
"""Of a line of text beside a chart."""
WIDTH = 4.6
"""Inches of a chart, at 72 units each."""


@dataclass(frozen=True)
class Point:
    """One method's point: its place in the study's order, and its values."""

    method: int
    x: float
    y: float


@dataclass(frozen=True)
class Scale:
    """An axis: its text, and the worst and the best value that it holds, whichever is higher."""

    text: str
    worst: float
    best: float

    @property
    def ends(self) -> tuple[float, float]:
        """Returns the axis' ends, with some room."""
        room = 0.12 * (self.best - self.worst) or 0.1
        return self.worst - room, self.best + room


@dataclass(frozen=True)
class Interval:
    """A difference with its interval.

    Attributes:
        row: Text of its row.
        method: Place in the study's order of the method that is subtracted.
        mean: The difference.
        low: The interval's lower end.
        high: Its upper end.
        clear: Whether it is bold and its sign filled.
        single: One more value of the same difference, drawn as a ring beside it.
    """

    row: str
    method: int
    mean: float
    low: float
    high: float
    clear: bool = False
    single: float | None = None


def glyph(method: int) -> str:
    """Returns the sign of the study's n-th method."""
    return GLYPHS[method % len(GLYPHS)]


def trade_off(name: str, points: Sequence[Point], across: Scale, upwards: Scale) -> str:
    """Draws methods as points: the better they are on both axes, the farther up and to the right.

    Args:
        name: Of the chart, unique on its page; also what it is called to those who cannot see it.
        points: Of the methods.
        across: Of the points' ``x``.
        upwards: Of their ``y``.
    """
    with _figure(WIDTH, 3.4) as figure:
        axis = figure.subplots()
        for point in points:
            axis.plot(
                point.x,
                point.y,
                MARKERS[point.method % len(MARKERS)],
                color=_colour(point.method),
                markersize=10 if len(points) <= FEW_POINTS else 5,
                markeredgecolor=INK,
                markeredgewidth=0.6,
            )
        axis.set(xlim=across.ends, ylim=upwards.ends, xlabel=across.text, ylabel=upwards.text)
        axis.set_title("better ↗", loc="right", fontsize=10, color=INK)
        axis.locator_params(nbins=5)
        return _svg(figure, name)


def intervals(name: str, found: Sequence[Interval], smallest: float = 0.0) -> str:
    """Draws differences with their intervals beside 0, those of a row below one another.

    Args:
        name: See :func:`trade_off`.
        found: In the order of their rows.
        smallest: The smallest difference that matters; the band of those that do not is shaded.
    """
    rows = {
        row: [each for each in found if each.row == row] for row in dict.fromkeys(each.row for each in found)
    }
    with _figure(WIDTH, 0.8 + 0.28 * len(found) + 0.15 * len(rows)) as figure:
        axis = figure.subplots()
        top, middles = 0.0, []
        for several in rows.values():
            for place, each in enumerate(several):
                _interval(axis, each, top + place)
            middles.append(top + (len(several) - 1) / 2)
            top += len(several) + 0.6
        if smallest:
            axis.axvspan(-smallest, smallest, color=GRID, linewidth=0, zorder=0)
        axis.axvline(0.0, color=INK, linewidth=1.0)
        axis.set(
            ylim=(top - 0.9, -0.7),
            yticks=middles,
            yticklabels=["\n".join(wrap(row, LETTERS)) for row in rows],
        )
        axis.tick_params(axis="y", length=0)
        axis.locator_params(axis="x", nbins=5)
        axis.grid(visible=False, axis="y")
        axis.spines["left"].set_visible(False)
        axis.set_xlabel("difference")
        return _svg(figure, name)


def _interval(axis: Axes, each: Interval, place: float) -> None:
    colour = _colour(each.method)
    axis.plot([each.low, each.high], [place, place], color=colour, linewidth=3 if each.clear else 1.4)
    axis.plot(
        each.mean,
        place,
        MARKERS[each.method % len(MARKERS)],
        color=colour,
        markerfacecolor=colour if each.clear else PAPER,
        markersize=8,
    )
    if each.single is not None:
        axis.plot(
            each.single, place, "o", color=INK, markerfacecolor="none", markersize=11, markeredgewidth=1.2
        )


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
    return f"#a100{method % len(COLOURS):02x}"


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    """Gives a figure of a size in inches, in a style of our own whatever the user's is."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.style import context

    style: dict[Any, Any] = {
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
    text = re.sub(r"#a100(\d\d)", lambda found: f"var(--m{int(found[1])}, {COLOURS[int(found[1])]})", text)
    text = (
        text.replace(INK, "currentColor")
        .replace(GRID, "var(--line, #ddd)")
        .replace(PAPER, "var(--paper, #fff)")
        .replace("'DejaVu Sans'", "system-ui")
    )
    # Identifiers are of one chart; a shown one must not refer to those of a hidden one.
    prefix = re.sub(r"\W+", "-", name)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"| xmlns(?::xlink)?="[^"]*"| version="1.1"', "", text)
    text = re.sub(r"\n\s*", "\n", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(name)}"', 1)


def without_end(values: pandas.Series) -> pandas.Series:
    """Returns a term's values while it acted: missing ones left out, and the zeros behind its last one."""
    known = values.dropna()
    acting = np.flatnonzero(known.to_numpy())
    return known.iloc[: acting[-1] + 1] if len(acting) else known.iloc[:0]
