"""What each stage made of a subject: pictures and reports in the order of the stages."""

from __future__ import annotations

import base64
import io
from dataclasses import asdict

import pandas as pd
from PIL import Image

from hypnos_pipeline.errors import Problem
from hypnos_pipeline.reporting.pages import WIDEST
from hypnos_pipeline.reporting.stage_sections import matte_rows, spread, stage_sections, thinned_curve


def rows(*parts) -> list[list[str]]:
    ((_, (part,)),) = stage_sections([("y", parts)])
    return part["rows"]


def test_sections_keep_their_order():
    assert stage_sections([("Pool", []), ("Class prior", [])]) == [("Pool", []), ("Class prior", [])]


def test_pictures_are_no_wider_than_needed():
    pictures = [Image.new("L", (30, 20), 7), Image.new("RGB", (2 * WIDEST, 100), "teal")]
    ((_, shown),) = stage_sections([("y", pictures)])
    sizes = [
        Image.open(io.BytesIO(base64.b64decode(each["source"].partition(",")[2]))).size for each in shown
    ]
    assert sizes == [(30, 20), (WIDEST, 50)]


def test_reports_become_tables_of_their_single_values():
    report = {
        "steps": 160,
        "norms": [1.0, 2.0],
        "accuracy": {"a": 0.87654321, "b": None},
        "machine": {"cpu": "z"},
    }
    assert rows(report) == [["steps", "160"], ["accuracy.a", "0.8765"], ["accuracy.b", ""]]


def test_mattes_are_one_table_with_every_problem_and_each_fix_once():
    problems = [asdict(Problem("01", what, "crop", "warning")) for what in ("flat", "touches 3 borders")]
    report = [{"photo": "00", "problems": []}, {"photo": "01", "area": 0.5, "problems": problems}]
    assert rows(matte_rows(report)) == [["00", "", "", ""], ["01", "flat, touches 3 borders", "crop", "0.5"]]


def test_a_thinned_curve_has_its_ends():
    curve = pd.DataFrame({"step": range(1, 601)})
    thin = thinned_curve(curve).step.tolist()
    assert (thin[0], thin[-1], len(thin)) == (1, 600, 8)
    assert thinned_curve(curve.head(1)).step.tolist() == [1]
    assert thinned_curve(curve.head(0)).empty


def test_spread_is_of_single_pairs():
    pairs = pd.DataFrame(
        {
            "prompt_set": ["varying"] * 3 + ["invariant"],
            "metric": ["dino"] * 4,
            "value": [1.0, 2.0, 9.0, 5.0],
        }
    )
    rows = spread(pairs).set_index("prompt_set")
    assert rows.loc["varying", ["n", "median"]].tolist() == [3, 2.0]
    assert rows.loc["invariant", ["n", "5 %", "95 %"]].tolist() == [1, 5.0, 5.0]
