"""The page in a browser, on a screen and on a phone: nothing overflows; what reacts does, by keys too."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from hypnos_pipeline.datasets import PageDataset
from tests.reporting.a_study import LABELS, page
from tests.viz.browser import NAMES, dumped, find_chromium, served

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason=f"no browser to look with: none of {', '.join(NAMES)} is installed"
)

PHONE, SCREEN = 390, 1300
SUBJECTS = ["mug", "lego_robot"]
MANY = [f"mug_{number}" for number in range(12)]

# Runs in a page around the study's, of the same origin, which is as wide as a phone's screen or a desk's.
LOOK = """
<iframe src="index.html" style="border:0;height:800px;width:%dpx"></iframe><pre></pre><script>
document.querySelector("iframe").onload = async event => {
  const view = event.target.contentWindow, page = view.document, found = {drawers: []};
  const one = selector => page.querySelector(selector);
  const all = selector => [...page.querySelectorAll(selector)];
  const press = (target, key) =>
    target.dispatchEvent(new view.KeyboardEvent("keydown", {key, bubbles: true}));
  const told = (kind, by = view) => new Promise(done => by.addEventListener(kind, done, {once: true}));
  found.screen = page.documentElement.clientWidth;  // less where a scroll bar stands beside it
  found.wide = page.documentElement.scrollWidth;
  found.cut = all("h1, h2, h3, h4, p, dd, figcaption, small, .values, .legend, svg text").filter(each => {
    const box = each.getBoundingClientRect();
    return box.width && !each.closest(".scroll") && (box.left < 0 || box.right > found.screen);
  }).map(each => each.textContent);

  const visible = () => all(".panel").filter(each => !each.hidden).map(each => each.dataset.subject);
  found.first = visible();
  const tab = one("[role=tab][aria-selected=true]"), field = one(".chooser input");
  if (tab) {
    tab.focus();
    press(tab, "ArrowRight");
    found.focused = page.activeElement.textContent;
    found.reachable = all("[role=tab]").filter(each => each.tabIndex === 0).map(each => each.textContent);
  } else {
    found.offered = one("datalist").options.length;
    field.value = "Mug 7";
    field.dispatchEvent(new view.Event("change"));
  }
  found.second = visible();

  const picture = one(".panel:not([hidden]) .prompts .picture"), enlarged = one("#enlarged");
  picture.click();
  found.enlarged = [enlarged.matches(":modal"), enlarged.querySelector("figcaption").textContent];
  press(enlarged, "ArrowRight");
  found.next = enlarged.querySelector("figcaption").textContent;
  const closed = told("close", enlarged);
  enlarged.close();
  await closed;
  found.back = page.activeElement.title;

  const drawn = each => view.getComputedStyle(each).display !== "none";
  const width = () => all(".heat thead th").filter(drawn).length;
  found.headline = width();
  one("#every").click();
  found.every = width();
  const heat = one(".heat"), column = place => [...heat.tBodies].map(
    body => [...body.rows].slice(1).map(row => row.cells[place].textContent));
  found.sorted = {};
  for (const [place, heading] of [...heat.tHead.rows[0].cells].entries()) {
    if (![1, 5].includes(place)) continue;
    const button = heading.querySelector("button");
    button.click();
    found.sorted[place] = [column(place)];
    button.click();
    found.sorted[place].push(column(place));
  }

  const drawer = one("#drawer");
  const links = new Map(all("td a, .values a").map(each => [each.hash, each]));
  for (const link of [...links.values()].slice(0, %d)) {
    const opened = told("hashchange");
    drawer.close();  // and the next value is clicked before its "close" has come
    link.click();
    await opened;
    const box = drawer.getBoundingClientRect();
    found.drawers.push({
      name: link.hash.slice(1), modal: drawer.matches(":modal"), left: box.left, right: box.right,
      wide: drawer.scrollWidth <= drawer.clientWidth,
      pictures: [...drawer.querySelectorAll(".pair img")].map(each => each.src.slice(0, 10)),
      commands: [...drawer.querySelectorAll(".command")].map(each => each.textContent),
    });
  }
  found.commit = one("#made dd").textContent;
  found.fetched = view.performance.getEntriesByType("resource").map(each => each.name);
  document.querySelector("pre").textContent = JSON.stringify(found);
};
</script>
"""


def look(folder: Path, subjects: list[str], width: int, drawers: int = 1000) -> dict[str, Any]:
    """Returns what a browser of this width finds on the study's page."""
    PageDataset(filepath=str(folder / "index.html")).save(page(subjects, env="paper").html())
    (folder / "look.html").write_text(LOOK % (width, drawers))
    with served(folder) as address:
        shown = dumped(f"{address}/look.html")
    return json.loads(html.unescape(re.search(r"<pre>(.+?)</pre>", shown, re.DOTALL)[1]))


@pytest.fixture(scope="module", params=[PHONE, SCREEN])
def found(request, tmp_path_factory) -> dict[str, Any]:
    return look(tmp_path_factory.mktemp("page"), SUBJECTS, request.param)


def test_nothing_overflows_or_is_cut(found):
    assert found["wide"] == found["screen"]
    assert found["cut"] == []
    for drawer in found["drawers"]:
        assert drawer["left"] >= 0
        assert drawer["right"] <= found["screen"]
        assert drawer["wide"]


def test_arrow_keys_change_the_subject_in_every_section(found):
    assert set(found["first"]) == {"Mug"}
    assert set(found["second"]) == {"Lego robot"}
    assert found["focused"] == "Lego robot"
    assert set(found["reachable"]) == {"Lego robot"}


def test_an_image_is_enlarged_and_arrow_keys_go_to_the_next_method(found):
    prompt = "a <photo> of sks mug, invariant 0"
    assert found["enlarged"] == [True, f"{LABELS[0].label}: {prompt}"]
    assert found["next"] == f"{LABELS[1].label}: {prompt}"
    assert found["back"] == found["next"]


def test_a_switch_shows_all_metrics(found):
    assert (found["headline"], found["every"]) == (1 + 5, 1 + 11)


def test_the_first_click_sorts_best_first_within_each_subject(found):
    high, low = found["sorted"]["1"], found["sorted"]["5"]
    assert high[0] == [["0.20", "0.10", "0.00"], ["1.20", "1.10", "1.00"]]
    assert low[0] == [["0.00", "0.10", "0.20"], ["1.00", "1.10", "1.20"]]
    for best_first, worst_first in (high, low):
        assert [rows[::-1] for rows in best_first] == worst_first


def test_every_value_opens_its_extremes_and_commands(found):
    assert {drawer["name"] for drawer in found["drawers"]} >= {
        "varying.mug.hypnos.dino",
        "varying.mug.hypnos.dino--varying.mug.dreambooth.dino",
        "backgrounds.lego_robot.base.background_obeyed",
        "invariant.mug.base.fid",
    }
    for drawer in found["drawers"]:
        cells = drawer["name"].split("--")
        assert drawer["modal"]
        assert len(drawer["commands"]) == len(cells)
        assert all(command.endswith("--env paper") for command in drawer["commands"])
        _, _, _, metric = cells[0].split(".")
        ends, compared = (
            (0 if metric == "fid" else 2 * 3),
            metric not in ("clip_t", "clip_t_paper", "background_obeyed"),
        )
        assert drawer["pictures"] == ["data:image"] * len(cells) * ends * (2 if compared else 1)


def test_the_commit_stands_beside_the_page_and_nothing_else_is_fetched(found):
    assert found["commit"] == "not in git"
    assert [name.rpartition("/")[2] for name in found["fetched"] if not name.startswith("data:")] == [
        "made.js"
    ]


def test_of_many_subjects_one_is_searched_for(tmp_path):
    found = look(tmp_path, MANY, PHONE, drawers=1)
    assert found["wide"] == found["screen"]
    assert found["offered"] == len(MANY)
    assert set(found["first"]) == {"Mug 0"}
    assert set(found["second"]) == {"Mug 7"}
