"""The study's page in a browser as narrow as a phone: nothing overflows, values open, headings sort."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.reporting.labels import MethodLabel
from hypnos_pipeline.reporting.page_tables import other_cells_table
from hypnos_pipeline.reporting.study_page import StudyFigure, study_page
from hypnos_pipeline.reporting.subject_figures import Group, subject_figures
from hypnos_pipeline.reporting.tables import Scope, difference_table, prompt_varying_table
from tests.viz.browser import NAMES, dumped, find_chromium, served

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason=f"no browser to look with: none of {', '.join(NAMES)} is installed"
)

PHONE = 390
METHODS = [MethodLabel(f"hypnos_{n}", f"HYPNOS without its term number {n} (LR=1e-4)") for n in range(4)]
SETS = ("invariant", "varying", "backgrounds")
MEANS = [0.5, -0.25, 0.75, 0.125]

# Runs in a page around the study's, of the same origin, which is as wide as a phone's screen.
LOOK = """
<iframe src="index.html" style="border:0;height:800px;width:%dpx"></iframe><pre></pre><script>
document.querySelector("iframe").onload = event => {
  const view = event.target.contentWindow, page = view.document, found = {panels: []};
  found.screen = page.documentElement.clientWidth;  // less where a scroll bar stands beside it
  found.wide = page.documentElement.scrollWidth;
  for (const link of page.querySelectorAll("td a")) {
    const panel = page.getElementById(link.hash.slice(1));
    const shut = view.getComputedStyle(panel).display;
    view.location.hash = link.hash;
    const box = panel.getBoundingClientRect();
    found.panels.push({
      shut, open: view.getComputedStyle(panel).display, left: box.left, right: box.right,
      scroll: panel.scrollWidth, pictures: panel.querySelectorAll(".small").length,
      commands: [...panel.querySelectorAll(".command")].map(each => each.textContent),
      name: link.hash.slice(1),
    });
  }
  const shown = page.querySelector(".cell:target .small");
  found.picture = view.getComputedStyle(shown).backgroundImage.slice(0, 15);
  const table = page.querySelector("table"), button = table.querySelectorAll("thead button")[2];
  const column = () => [...table.tBodies[0].rows].map(row => row.cells[2].textContent);
  button.click(); found.up = column();
  button.click(); found.down = column();
  found.fetched = view.performance.getEntriesByType("resource").map(each => each.name);
  document.querySelector("pre").textContent = JSON.stringify(found);
};
</script>
"""


def cells() -> pd.DataFrame:
    rows = [
        (1 if s == "invariant" else 2 if s == "varying" else None, s, "mug", method.name, metric, mean)
        for s in SETS
        for method, mean in zip(METHODS, MEANS, strict=True)
        for metric in ("dino", "lpips", "fid")
    ]
    frame = pd.DataFrame(rows, columns=["table", "prompt_set", "subject", "method", "metric", "mean"])
    return frame.assign(std=0.1, std_images=0.1, n=3, paper=float("nan"))


def write_page(folder: Path) -> None:
    prompts = [
        {"name": f"{s}/{n:03d}", "prompt": f"a photo of sks mug, {s} {n}"} for s in SETS for n in range(4)
    ]
    images = {row["name"]: np.full((64, 64, 3), 9 * n, np.uint8) for n, row in enumerate(prompts)}
    pairs = pd.DataFrame({"image": list(images), "value": np.linspace(0, 1, len(images))})
    pairs = pairs.assign(prompt_set=pairs["image"].str.partition("/")[0], photo="00", colour="")
    pairs = pd.concat([pairs.assign(metric=metric) for metric in ("dino", "lpips")])
    photo = ImageSet({"00": np.zeros((64, 64, 3), np.uint8)})
    cut_outs = CutOuts.of(ImageSet({"00": np.zeros((64, 64), np.uint8)}), photo)
    names = [method.name for method in METHODS]
    wide = Image.new("RGB", (1500, 300), "teal")
    check = {"method": METHODS[0].label, "prompt_set": "varying", "blank": 3, "warning": "many words " * 9}
    drawn = subject_figures(
        photo,
        cut_outs,
        {name: ImageSet(images, prompts) for name in names},
        {name: pairs for name in names},
        [(group, "wide", wide) for group in (Group.COMPARISON, Group.WHILE_TRAINING, Group.CONTACT_SHEETS)],
        [check],
    )
    scope = Scope(METHODS, ["mug"], ["Networks: " + "0123456789abcdef" * 8])
    tables = [prompt_varying_table(cells(), scope), difference_table(cells(), scope)]
    tables.append(other_cells_table(cells(), METHODS))
    subjects = {"mug": json.loads(json.dumps(drawn))}
    (folder / "index.html").write_text(
        study_page(
            cells(), tables, METHODS, subjects, "paper", above=[StudyFigure("photos", "Photos", "wide", wide)]
        )
    )
    (folder / "look.html").write_text(LOOK % PHONE)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("page")
    write_page(folder)
    with served(folder) as address:
        page = dumped(f"{address}/look.html")
    return json.loads(re.search(r"<pre>(.+?)</pre>", page, re.DOTALL)[1])


def test_a_phone_shows_it_without_scrolling_aside(found):
    assert found["wide"] == found["screen"] <= PHONE
    for panel in found["panels"]:
        assert (panel["left"], panel["right"]) == (0, found["screen"])
        assert panel["scroll"] <= found["screen"]


def test_every_value_opens_its_extremes_and_commands(found):
    panels = found["panels"]
    # Table 2; both sides and differences; all that stands in no table of the paper.
    assert len(panels) == len(METHODS) * (3 + (2 + 1 + 1) + 3)
    for panel in panels:
        cells = panel["name"].split("--")
        assert (panel["shut"], panel["open"]) == ("none", "block")
        assert len(panel["commands"]) == len(cells)
        assert all(command.endswith("--env paper") for command in panel["commands"])
        images_and_photos = 2 * 3 * 2
        without = ".fid" in panel["name"]
        assert panel["pictures"] == (0 if without else images_and_photos * len(cells))
    assert any("--" in panel["name"] for panel in panels)


def test_a_heading_sorts_up_and_down(found):
    up = [float(value.replace("−", "-").split()[0]) for value in found["up"]]
    assert up == sorted(MEANS)
    assert found["down"] == found["up"][::-1]


def test_nothing_leaves_the_page(found):
    assert found["picture"].startswith('url("data:image')
    assert [name for name in found["fetched"] if not name.startswith("data:")] == []
