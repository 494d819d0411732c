"""Recorded findings: which rows are about a run, and the run's own values beside them."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from hypnos_pipeline.errors import FindingsError
from hypnos_pipeline.reporting.findings import FINDING_COLUMNS, recorded_findings
from tests.reporting.a_study import LABELS, image_values, page
from tests.reporting.test_page import section

MEASURE = "foreground_dino on backgrounds: hypnos - dreambooth"
SUBJECTS = ["mug", "robot"]
VALUES = dict.fromkeys(SUBJECTS, image_values())


def recorded(*sets: str, measure: str = MEASURE) -> pd.DataFrame:
    rows = [
        (
            *("the object is kept", "4.1.2", "one_place", name, measure, "higher", 0.05),
            *(-0.5, -0.75, -0.25, 5, "opposite" if name == "mean" else ""),
        )
        for name in sets
    ]
    return pd.DataFrame(rows, columns=FINDING_COLUMNS)


def found(frame: pd.DataFrame, values=VALUES):
    return recorded_findings(frame, "mini_findings", values, LABELS)


def rings(chart: str) -> int:
    return chart.count("fill-opacity: 0; stroke: currentColor")


def test_a_row_about_the_runs_subjects_and_methods_is_shown_with_the_runs_values():
    (finding,) = found(recorded("mug", "robot", "mean")).findings
    assert (finding.verdict, finding.section, finding.trainings) == ("opposite", "4.1.2", 5)
    assert finding.comparison.startswith("Foreground DINO ↑, backgrounds: HYPNOS (LR=1e-4) − DreamBooth")
    assert re.findall(r">(Mean of 2 in|Mug|Robot)<", finding.chart) == ["Mean of 2 in", "Mug", "Robot"]
    assert rings(finding.chart) == 3


def test_a_mean_over_other_objects_than_the_runs_has_no_value_of_the_run():
    (finding,) = found(recorded("mug", "robot", "chair", "mean")).findings
    assert rings(finding.chart) == 2
    assert "Mean of 3" in finding.chart


@pytest.mark.parametrize(
    "frame",
    [
        recorded(),
        recorded("chair", "mean"),
        recorded("mug", "mean", measure="dino on varying: hypnos - dreambooth_low_lr"),
    ],
)
def test_what_is_about_other_sets_or_methods_is_not_shown(frame):
    assert found(frame).findings == []
    assert found(frame).others == ["Mug", "Robot"]


def test_a_measure_of_another_form_is_refused_with_the_form():
    for measure in ("foreground_dino", "dno on varying: hypnos - dreambooth"):
        with pytest.raises(FindingsError, match="dino on varying: hypnos - dreambooth_low_lr"):
            found(recorded("mug", measure=measure))
    with pytest.raises(FindingsError, match="columns verdict are missing"):
        found(recorded("mug").drop(columns="verdict"))


def test_the_page_shows_a_finding_and_names_the_subjects_that_have_none():
    html = page(SUBJECTS, recorded=found(recorded("mug", "mean"))).html()
    shown = section(html, "findings")
    assert '<b class="outcome">opposite</b>' in shown
    assert "5 trainings" in shown
    assert "Robot: one training: no verdict." in shown
    cards = section(html, "verdicts")
    assert cards.count("several are recorded") == 1
    assert cards.count("One training: no verdict") == 2


def test_verdicts_that_say_something_stand_open_and_the_others_folded():
    opposite = recorded("mug", "mean")
    frame = pd.concat([opposite.replace("opposite", "not decided").assign(claim="it is so"), opposite])
    several = found(frame)
    assert [(verdict, [each.claim for each in own]) for verdict, own, _ in several.by_verdict()] == [
        ("opposite", ["the object is kept"]),
        ("not decided", ["it is so"]),
    ]
    html = page(["mug"], recorded=several).html()
    assert '<details class="verdicts" open><summary>Opposite: 1 of 2 claims</summary>' in html
    assert '<details class="verdicts"><summary>Not decided: 1 of 2 claims</summary>' in html


def test_the_page_says_where_nothing_is_recorded_yet():
    html = page(["mug"], recorded=found(recorded())).html()
    assert "No finding of <code>mini_findings</code>" in section(html, "findings")
    assert "several are recorded" not in html
