"""The study's page: it needs nothing else, every value leads to its extremes and its command."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.page_panels import trace_command
from hypnos_pipeline.reporting.page_tables import other_cells_table
from hypnos_pipeline.reporting.study_page import StudyFigure, study_page
from hypnos_pipeline.reporting.subject_figures import EXTREMES, Group, extremes, subject_figures
from hypnos_pipeline.reporting.tables import Scope, difference_table, prompt_varying_table
from tests.reporting.conftest import METHODS, SUBJECTS

NAMES = [f"varying/{number:03d}" for number in range(5)]


def values(metric: str, numbers: list[float], photo: str = "00", colour: str = "") -> pd.DataFrame:
    frame = pd.DataFrame({"image": NAMES[: len(numbers)], "value": numbers})
    return frame.assign(prompt_set="varying", metric=metric, photo=photo, colour=colour)


def images(entries: list[dict]) -> list[str]:
    return [entry["image"][-1] for entry in entries]


def samples() -> ImageSet:
    rows = [{"name": name, "prompt": f"a <photo> on {name}"} for name in NAMES]
    return ImageSet({name: np.full((8, 8, 3), 40 * n, np.uint8) for n, name in enumerate(NAMES)}, rows)


PHOTOS = ImageSet({"00": np.zeros((8, 8, 3), np.uint8)})
CUT_OUTS = CutOuts.of(
    ImageSet({"00": np.eye(8, dtype=np.uint8) * 255}),
    ImageSet({"00": np.full((8, 8, 3), 20, np.uint8)}),
)


@pytest.fixture
def page(collect, scores, labels) -> str:
    pairs = {name: values("dino", [0.1, 0.5, 0.3, 0.9, 0.7]) for name in METHODS}
    figure = Image.new("RGB", (30, 20), "teal")
    figures = [(Group.COMPARISON, "All <methods>", figure), (Group.CONTACT_SHEETS, "Base", figure)]
    check = {"prompt_set": "varying", "method": "Base", "images": 5, "blank": 3, "warning": "3 are <blank>"}
    drawn = subject_figures(PHOTOS, CUT_OUTS, {name: samples() for name in METHODS}, pairs, figures, [check])
    cells = collect(scores)
    scope = Scope(labels, SUBJECTS)
    tables = [make(cells, scope) for make in (prompt_varying_table, difference_table)]
    tables.append(other_cells_table(cells, labels))
    subjects = {name: json.loads(json.dumps(drawn)) for name in SUBJECTS}
    return study_page(
        cells, tables, labels, subjects, "mini", below=[StudyFigure("loss", "Eq. 2", "Fig. 7a", figure)]
    )


@pytest.mark.parametrize(("metric", "best", "worst"), [("dino", "312", "021"), ("lpips", "021", "312")])
def test_best_is_highest_or_lowest_as_the_metric_says(metric, best, worst):
    (entry,) = extremes(values(metric, [0.1, 0.5, 0.3, 0.9]))
    assert images(entry["best"]) == list(best)
    assert images(entry["worst"]) == list(worst)


def test_an_image_counts_once_at_its_most_extreme_photo():
    pairs = pd.concat([values("dino", [0.1, 0.5], "00"), values("dino", [0.9, 0.6], "01")])
    (entry,) = extremes(pairs)
    assert [(pair["image"][-1], pair["photo"]) for pair in entry["best"]] == [("0", "01"), ("1", "01")]
    assert [(pair["image"][-1], pair["photo"]) for pair in entry["worst"]] == [("0", "00"), ("1", "00")]


def test_undefined_values_are_no_extremes_and_ties_go_by_name():
    (entry,) = extremes(values("ssim", [float("nan"), 0.5, 0.5, 0.5, 0.5]).iloc[::-1])
    assert images(entry["best"]) == images(entry["worst"]) == list("123")
    assert len(entry["best"]) == EXTREMES


def test_an_image_that_is_not_there_is_refused():
    pairs = values("clip_t", [0.5], "").assign(image="varying/404")
    with pytest.raises(KeyError, match="varying/404"):
        subject_figures(PHOTOS, CUT_OUTS, {"hypnos": samples()}, {"hypnos": pairs}, [], [])


def test_foreground_metrics_show_the_cut_out_on_its_colour():
    pairs = pd.concat([values("dino", [0.5]), values("foreground_dino", [0.5], colour="red")])
    drawn = subject_figures(PHOTOS, CUT_OUTS, {"hypnos": samples()}, {"hypnos": pairs}, [], [])
    against = {entry["metric"]: entry["best"][0]["against"] for entry in drawn["extremes"]}
    assert against == {"dino": "photo/00", "foreground_dino": "cut-out/00/red"}
    _, _, content = drawn["pictures"]["cut-out/00/red"].partition("base64,")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    expected = CUT_OUTS.on("red")[0]
    assert np.abs(shown.astype(int).mean(axis=(0, 1)) - expected.mean(axis=(0, 1))).max() < 8  # JPEG


def test_every_link_leads_to_a_place_on_the_page(page):
    links = set(re.findall(r'href="#([^"]+)"', page)) - {"_"}
    places = re.findall(r'id="([^"]+)"', page)
    assert len(places) == len(set(places))
    assert links <= set(places)
    assert "varying.chair.hypnos.dino" in links


def test_every_value_of_a_score_table_is_a_link(page):
    table = page[page.index('id="table_2_prompt_varying"') : page.index('id="table_invariant_minus_varying"')]
    found = re.findall(r"<td>(.*?)</td>", table)
    assert len(found) == len(SUBJECTS) * len(METHODS) * 12
    assert all(value.startswith('<a href="#varying.') for value in found)


def test_a_panel_shows_extremes_and_command(page):
    panel = page[page.index('id="varying.chair.hypnos.dino"') :].partition("</section>")[0]
    assert trace_command(CellKey("varying", "chair", "hypnos", "dino"), "mini") in panel
    values = [f"{value:.4f}" for value in (0.9, 0.7, 0.5, 0.1, 0.3, 0.5)]
    assert re.findall(r"<br><b>(.*?)</b>", panel) == values
    assert "a &lt;photo&gt; on varying/003" in panel
    of_set = page[page.index('id="varying.chair.hypnos.fid"') :].partition("</section>")[0]
    assert "all images together" in of_set


def test_commands_name_a_table_or_a_prompt_set():
    assert trace_command(CellKey("invariant", "chair", "base", "fid"), "mini") == (
        "kedro cell trace --table 1 --subject chair --method base --metric fid"
    )
    elsewhere = trace_command(CellKey("disentangle", "chair", "base", "fid"), "paper")
    assert "--prompt-set disentangle " in elsewhere
    assert elsewhere.endswith(" --env paper")


def test_a_difference_opens_both_of_its_sides(page):
    table = page[page.index('id="table_invariant_minus_varying"') :].partition("</table>")[0]
    sides = [f"{part}.chair.hypnos.dino" for part in ("invariant", "varying")]
    for anchor in (*sides, "--".join(sides)):
        assert f'href="#{anchor}"' in table
    panel = page[page.index(f'id="{"--".join(sides)}"') :].partition("</section>")[0]
    for part in ("invariant", "varying"):
        assert trace_command(CellKey(part, "chair", "hypnos", "dino"), "mini") in panel
    assert "0.9000" in panel


def test_cells_of_other_prompt_sets_can_be_opened_too(page):
    assert 'href="#disentangle.chair.hypnos.dino"' in page


def test_the_check_of_samples_is_shown(page):
    assert page.count("3 are &lt;blank&gt;") == len(SUBJECTS)


def test_nothing_is_fetched(page):
    assert re.findall(r"https?:|//[a-z]|@import|<link|<iframe", re.sub(r"base64,[\w+/=]+", "", page)) == []
    addresses = re.findall(r'src="([^"]{12})|url\((.{12})', page)
    assert addresses
    assert all((a or b).startswith("data:image/") for a, b in addresses)
    assert 'name="viewport"' in page


def test_a_picture_of_many_cells_stands_once(page):
    used = len(set(re.findall(r'class="small (p\d+)"', page)))
    assert len(re.findall(r"\.p\d+ \{", page)) == used == len(SUBJECTS) * (1 + len(METHODS) * len(NAMES))
