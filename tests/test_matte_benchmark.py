"""The program that fits and judges the guards on mattes."""

from __future__ import annotations

from dataclasses import fields

import pytest
from benchmarks.mattes import Judged, fitted, judge_sets, summary

from hypnos_pipeline.imaging.mattes.measures import Measures


def test_the_fit_weighs_what_tells_wrong_mattes_from_right_ones() -> None:
    nothing = dict.fromkeys((*(field.name for field in fields(Measures)), "doubt"), 0.0)
    photos = []
    for number in range(40):
        wrong = number % 2
        measures = nothing | {"unknown": 0.3 * wrong + 0.002 * number, "faint": 0.01 * (number % 7)}
        photos.append(Judged(str(number), "places", 0.6 if wrong else 0.97, ["said"] * wrong, measures))
    found = fitted(photos)
    assert found["unknown"] > found["faint"]
    assert found["found"] == 1.0
    figures = summary(photos)
    assert (figures["below 0.85"], figures["of these flagged"]) == (20, 20)
    assert (figures["above 0.93"], figures["of those flagged"]) == (20, 0)


@pytest.mark.long
def test_the_guards_flag_most_mattes_of_a_crowd() -> None:
    photos = judge_sets([1], [("mug", "crowded"), ("car", "crowded"), ("duck", "crowded")], workers=1)
    figures = summary(photos)
    assert figures["of these flagged"] >= 0.7 * figures["below 0.85"] > 0
