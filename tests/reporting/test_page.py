"""The page: it answers in its order, needs nothing else, and has room for many subjects."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from hypnos_pipeline.reporting import fitting
from hypnos_pipeline.reporting.cards import cards
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.headline import CARDS
from hypnos_pipeline.reporting.page import study_title
from tests.reporting.a_study import IMAGES, LABELS, NAMES, SETS, TAKEN, image_values, page

SUBJECTS = ["mug", "robot"]
ORDER = [
    "verdicts",
    "images",
    "trade-off",
    "differences",
    "metrics",
    "health",
    "failures",
    "curves",
    "origins",
    "tables",
]


@pytest.fixture(scope="module")
def html() -> str:
    return page(SUBJECTS).html()


def section(html: str, name: str) -> str:
    return html[html.index(f'<section id="{name}">') :].partition("</section>")[0]


def drawers(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="cells">(.+?)</script>', html)[1])


def test_it_answers_which_method_then_whether_to_trust_it_then_shows(html):
    assert re.findall(r'<section id="([\w-]+)">', html) == ORDER


def test_the_header_says_what_was_run_where_and_how_often(html):
    header = html.partition("</header>")[0]
    for fact in (
        "mini",
        "miniature models, 64 px",
        "10 million",
        "A processor, 1 thread",
        "2 methods × 2 subjects, once each",
    ):
        assert fact in header
    assert "A &lt;study&gt;" in header


def test_one_training_gives_no_verdict_but_every_methods_value(html):
    cards = section(html, "verdicts")
    assert cards.count("One training: no verdict") == len(SUBJECTS)
    assert len(re.findall(r'<div class="strip">', cards)) == 3 * len(SUBJECTS)
    links = re.findall(r'<a href="#([\w.]+)" title', cards)
    assert sorted(links) == sorted(
        f"{each.prompt_set}.{subject}.{method}.{each.name}"
        for each in CARDS
        for subject in SUBJECTS
        for method in NAMES
    )


def test_nothing_of_one_training_is_called_better_or_worse(html):
    for name in ("verdicts", "differences"):
        words = re.sub(r"<[^>]+>", " ", section(html, name))
        assert not re.search(r"\b(better|worse|seen|opposite)\b", words)
    assert "<b>One training: no verdict</b>" in section(html, "differences")


def test_several_trainings_have_intervals_over_them_on_cards_and_differences():
    values = dict.fromkeys(SUBJECTS, image_values([0.0, 0.1, 0.2, -0.1, -0.2]))
    html = page(SUBJECTS, values=values, kinds=dict.fromkeys(SUBJECTS, "one_place")).html()
    header, shown, differences = (html.partition("</header>")[0], *(section(html, n) for n in ORDER[:4:3]))
    assert "2 methods × 2 subjects, 5 times each" in header
    assert shown.count('<p class="verdict">5 trainings</p>') == len(SUBJECTS)
    assert "no verdict" not in shown + differences
    assert "<b>5 trainings</b>" in differences
    assert "Mean of 2 in one place" in differences
    # t of 8 degrees of freedom, 97.5 %: 2.306 × √(0.025 / 5), and less by √2 for the mean of both.
    assert "−1.0000 [−1.1631, −0.8369]" in differences
    assert "−1.0000 [−1.1153, −0.8847]" in differences


def test_training_prompts_are_labelled_wherever_a_prompt_set_is_named():
    html = page(["mug"], own_prompts={"backgrounds"}).html()
    label = "(HYPNOS's own training prompts)"
    for name, times in (("verdicts", 2), ("images", 1), ("differences", 4), ("metrics", 3)):
        assert section(html, name).replace("&#39;", "'").count(label) == times, name


def test_nearly_equal_values_stand_above_one_another():
    values = dict(zip(NAMES, (0.50, 0.51, 0.9), strict=True))
    rows = {CellKey("varying", "mug", name, "clip_t"): SimpleNamespace(mean=values[name]) for name in NAMES}
    (card,) = cards(rows, LABELS, ["mug"])
    (strip,) = card.strips
    assert [(dot.method, dot.level) for dot in strip.dots] == [(2, 0), (1, 0), (0, 1)]
    assert strip.levels == 2


def test_a_strip_runs_from_worst_to_best_whatever_the_metrics_direction(html):
    best, worst = (
        re.search(rf'<a href="#backgrounds.mug.{m}.background_obeyed"', html) for m in ("hypnos", "base")
    )
    assert best.start() < worst.start()


def test_every_prompt_shows_all_methods_on_the_same_noise(html):
    images = section(html, "images")
    assert images.count("<figcaption>") == len(SUBJECTS) * (2 + IMAGES + IMAGES)
    for figure in re.findall(r"<figure>.+?</figure>", images, re.DOTALL):
        assert figure.count("<img") == len(NAMES)


def test_the_heat_table_has_two_decimals_and_shades_by_direction(html):
    heat = section(html, "metrics")
    row = re.search(r"Base model</th>(.+?)</tr>", heat, re.DOTALL)[1]
    shown = re.findall(r'<td style="--p: ([\d.]+)"><a[^>]*>([^<]+)</a>', row)
    assert [text for _, text in shown] == ["0.20"] * 5
    assert [place for place, _ in shown] == ["0.17"] * 4 + ["0.83"]  # ΔE: lower is better
    assert (
        heat.count('class="more"') == sum(map(len, TAKEN.values())) * (1 + len(SUBJECTS) * len(NAMES)) - 5 * 7
    )


def test_health_and_failures_say_why(html):
    health = section(html, "health")
    for found in (
        "1 of 1 photos",
        "touches the &lt;border&gt;",
        "exclude it",
        "resized (10% right)",
        "3 are &lt;blank&gt;",
    ):
        assert found in health
    assert "00: &lt;odd&gt;" in section(html, "failures")


def test_a_term_that_ended_is_not_drawn_as_zero(html):
    panel = section(html, "curves")
    perceptual = next(svg for svg in re.findall(r"<svg.+?</svg>", panel, re.DOTALL) if "Perceptual" in svg)
    total = next(svg for svg in re.findall(r"<svg.+?</svg>", panel, re.DOTALL) if "Total" in svg)
    ends = [
        max(
            float(x)
            for x in re.findall(r"[ML] ([\d.]+) ", re.search(r'd="([^"]+)"[^>]*stroke: var\(--m0,', svg)[1])
        )
        for svg in (perceptual, total)
    ]
    assert ends[0] < 0.65 * ends[1]


def test_every_link_leads_to_a_place_or_a_drawer(html):
    places = re.findall(r' id="([^"]+)"', re.sub(r"<svg.+?</svg>", "", html, flags=re.DOTALL))
    assert len(places) == len(set(places))
    links = set(re.findall(r'href="#([^"]+)"', html)) - set(re.findall(r'xlink:href="#([^"]+)"', html))
    known = drawers(html)["cells"]
    assert {key for link in links - set(places) for key in link.split("--")} <= set(known)
    assert any("--" in link for link in links)


def test_a_drawer_has_extremes_prompts_pictures_and_the_command(html):
    found = drawers(html)
    cell = found["cells"]["varying.robot.hypnos.lpips"]
    assert cell["command"] == "kedro cell trace --table 2 --subject robot --method hypnos --metric lpips"
    assert [heading for heading, _ in cell["ends"]] == ["Best", "Worst"]
    image, against, value = cell["ends"][0][1][0]
    assert (image, against, value) == ("hypnos/varying/000", "photo/00", "0.0000")
    assert found["prompts"][f"robot/{image}"] == "a <photo> of sks mug, varying 0"
    assert found["pictures"][f"robot/{image}"].startswith("data:image/jpeg")
    assert f"robot/{against}" in found["pictures"]
    undirected = found["cells"]["invariant.mug.base.clip_t_paper"]["ends"]
    assert [heading for heading, _ in undirected] == ["Highest", "Lowest"]
    assert found["cells"]["varying.mug.base.fid"]["ends"] == []


def test_the_same_artefacts_give_the_same_bytes(html):
    assert page(SUBJECTS).html() == html


def test_no_address_outside_is_named(html):
    assert re.findall(r"https?:|//[a-z]|@import|<link|<iframe", re.sub(r"base64,[\w+/=]+", "", html)) == []
    sources = re.findall(r'src="([^"]{0,11})', html)
    assert set(sources) == {"data:image/", "made.js"}


def test_all_cells_can_be_saved_from_the_page(html):
    assert "data:text/csv;charset=utf-8,table%2Cprompt_set%2Csubject" in html


def test_many_subjects_fit_by_leaving_details_to_their_own_pages(monkeypatch):
    monkeypatch.setattr(fitting, "ROOM", 100_000)
    many = [f"mug_{number}" for number in range(12)]
    html = page(many).html()
    assert len(html) < 1_000_000
    assert 'id="failures"' not in html
    assert 'href="subjects/mug_11/page.html#varying.mug_11.hypnos.dino"' in html
    assert 'href="cells.csv"' in html
    assert html.count("Trade-off:") == 1
    assert html.count('class="picture"') < 12 * len(SETS) * IMAGES * len(NAMES)
    assert study_title(many) == "HYPNOS study: 12 subjects"


def test_a_subject_with_many_methods_keeps_the_images_behind_the_headline_metrics(monkeypatch):
    monkeypatch.setattr(fitting, "ROOM", 1_000)
    assert_headline_only(page(["mug"], home="../../index.html").html())


def test_the_pictures_of_stages_take_room_from_those_behind_other_values():
    sheet = {"source": "data:image/jpeg;base64," + "A" * fitting.ALL_ROOM, "caption": "Pool"}
    assert_headline_only(page(["mug"], home="../../index.html", stages=[("Pool", [sheet])]).html())


def assert_headline_only(html: str) -> None:
    found = drawers(html)["cells"]
    assert found["varying.mug.hypnos.dino"]["ends"]
    assert not found["varying.mug.hypnos.lpips"]["ends"]
    assert not found["varying.mug.hypnos.lpips"]["of_all"]
    assert 'id="failures"' in html
    assert "subjects/mug/page.html" not in html
