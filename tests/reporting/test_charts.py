"""Charts: text stays text, colours are the page's, better is up and right, the bytes are the same again."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from hypnos_pipeline.reporting.charts import Interval, Point, Scale, curves, intervals, trade_off, without_end

POINTS = [Point(0, 0.2, 0.3), Point(1, 0.4, 0.1)]


def drawn(worst: float = 0.0, best: float = 1.0) -> str:
    return trade_off("A <chart>", POINTS, Scale("obedience", worst, best), Scale("fidelity", 0.0, 1.0))


def signs(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'x="([\d.]+)" y="([\d.]+)" style="fill: var', svg)]


def test_a_chart_can_stand_in_a_page_beside_others():
    svg = drawn()
    assert svg.startswith('<svg role="img" aria-label="A &lt;chart&gt;"')
    assert ">obedience</text>" in svg
    assert "fill: var(--m1, " in svg
    assert re.findall(r"https?:|<style|<metadata|#a1", svg) == []
    identifiers = re.findall(r'id="([^"]+)"', svg)
    assert all(each.startswith("A-chart-") for each in identifiers)
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(identifiers)


def test_the_same_data_give_the_same_bytes():
    assert drawn() == drawn()


def test_an_axis_where_lower_is_better_runs_backwards():
    (x0, y0), (x1, y1) = signs(drawn())
    assert (x0 < x1, y0 < y1) == (True, True)  # the first has more fidelity, and y counts downwards
    (x0, _), (x1, _) = signs(drawn(1.0, 0.0))
    assert x0 > x1


def test_an_interval_is_filled_where_it_is_clear():
    found = [Interval("Mug", 1, 0.5, 0.1, 1.0), Interval("Mug", 2, 0.5, 0.1, 1.0, clear=True)]
    svg = intervals("Differences", found)
    assert svg.count("fill: var(--paper,") == 1
    assert ">Mug</text>" in svg


def test_a_single_value_is_a_ring_and_differences_too_small_to_matter_are_a_band():
    alone = intervals("Differences", [Interval("Mug", 1, 0.5, 0.1, 1.0)])
    beside = intervals("Differences", [Interval("Mug", 1, 0.5, 0.1, 1.0, single=0.3)], smallest=0.05)
    ring, band = "fill-opacity: 0; stroke: currentColor", "fill: var(--line, #ddd)"
    assert (ring in alone, band in alone) == (False, False)
    assert (beside.count(ring), beside.count(band)) == (1, 1)


@pytest.mark.parametrize(
    ("values", "kept"), [([1.0, 0.0, 2.0, 0.0, 0.0], 3), ([0.0, 0.0], 0), ([None, 1.0], 1)]
)
def test_a_term_ends_with_its_last_value_that_is_not_zero(values, kept):
    assert len(without_end(pd.Series(values, dtype=float))) == kept


def test_a_curve_is_thinned_to_what_can_be_seen():
    line = pd.Series(range(1, 10_001), index=range(1, 10_001), dtype=float)
    assert len(curves("A curve", {0: line}, 10_000, "Loss")) < 20_000
