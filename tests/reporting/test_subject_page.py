"""The subject's page: what it holds, in which order, and that it holds nothing foreign."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import asdict

import pandas as pd
from PIL import Image

from hypnos_pipeline.errors import Problem
from hypnos_pipeline.reporting.pages import WIDEST
from hypnos_pipeline.reporting.subject_page import matte_rows, spread, subject_page, thinned_curve


def pictures(page: str) -> list[Image.Image]:
    return [
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r"image/png;base64,([^\"]+)", page)
    ]


def cells(page: str) -> list[str]:
    return re.findall(r"<td>(.*?)</td>", page)


def test_sections_stand_in_their_order():
    page = subject_page("Lego robot", [("Pool", []), ("Class prior", [])])
    assert page.index("<h1>Lego robot") < page.index("<h2>Pool") < page.index("<h2>Class prior")


def test_pictures_stand_in_the_page_no_wider_than_needed():
    wide = Image.new("RGB", (2 * WIDEST, 100), "teal")
    page = subject_page("x", [("y", [Image.new("L", (30, 20), 7), wide])])
    assert [picture.size for picture in pictures(page)] == [(30, 20), (WIDEST, 50)]


def test_reports_become_tables_of_their_single_values():
    report = {
        "steps": 160,
        "norms": [1.0, 2.0],
        "accuracy": {"a": 0.87654321, "b": None},
        "machine": {"cpu": "z"},
    }
    page = subject_page("x", [("y", [report])])
    assert cells(page) == ["steps", "160", "accuracy.a", "0.8765", "accuracy.b", ""]


def test_mattes_are_one_table_with_every_problem_and_each_fix_once():
    problems = [asdict(Problem("01", what, "crop", "warning")) for what in ("flat", "touches 3 borders")]
    report = [{"photo": "00", "problems": []}, {"photo": "01", "area": 0.5, "problems": problems}]
    page = subject_page("x", [("y", [matte_rows(report)])])
    assert cells(page) == ["00", "", "", "", "01", "flat, touches 3 borders", "crop", "0.5"]


def test_a_users_words_are_no_markup():
    page = subject_page("<script>", [("a & b", [{"<b>": "<i>"}])])
    assert "<script>" not in page
    assert cells(page) == ["&lt;b&gt;", "&lt;i&gt;"]


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
