"""The page that answers: which method, may I trust it, show me. One look for a study and for one subject.

It is one HTML file that needs nothing else; without its script everything stands open, one below the other.
The same artefacts give the same bytes, so the commit it was made at is no part of it:
``datasets.PageDataset`` leaves that in a file beside it, which the page's header shows where it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.reporting import charts
from hypnos_pipeline.reporting.cards import cards
from hypnos_pipeline.reporting.cells import CellKey, by_key
from hypnos_pipeline.reporting.differences import (
    difference_charts,
    differences_over_images,
    differences_table,
)
from hypnos_pipeline.reporting.drawers import anchor, drawers
from hypnos_pipeline.reporting.findings import Recorded
from hypnos_pipeline.reporting.fitting import fitted
from hypnos_pipeline.reporting.headline import CARDS, FIDELITY, HEADLINE, OBEDIENCE, scales
from hypnos_pipeline.reporting.heat_table import heat_table
from hypnos_pipeline.reporting.labels import MethodLabel, listed, prompt_set_label, subject_label
from hypnos_pipeline.reporting.origins import header_facts, networks_table
from hypnos_pipeline.reporting.pages import picture_source, render
from hypnos_pipeline.reporting.statistics import Estimate
from hypnos_pipeline.reporting.table import Table
from hypnos_pipeline.reporting.trainings import (
    Difference,
    Kinds,
    Values,
    difference_estimates,
    method_estimates,
    trainings_of,
)

if TYPE_CHECKING:
    import pandas
    from PIL import Image

MOST_CHARTS = 9
"""Subjects up to which each has a chart of its own."""
FILES = (
    *("cells.csv", "table_1_prompt_invariant.md", "table_2_prompt_varying.md"),
    *("table_invariant_minus_varying.md", "backgrounds.md", "ablations.md"),
)
"""Tables beside a study's page, named where they have no room on it."""
SUBJECT_PAGE = "subjects/{subject}/page.html"
"""A subject's page, seen from the study's."""

SET_TITLES = {
    "invariant": "The subject alone (invariant)",
    "varying": "Other scenes and styles (varying)",
    "disentangle": "The scene's colour and the subject's (disentangle)",
    "backgrounds": "Requested backgrounds (backgrounds)",
    "backgrounds_trained": "Requested backgrounds (backgrounds_trained)",
}


@dataclass(frozen=True)
class Figure:
    """A figure of the whole study: heading, caption and picture."""

    title: str
    caption: str
    picture: Image.Image

    @cached_property
    def source(self) -> str:
        """The address that holds the picture."""
        return picture_source(self.picture)


@dataclass(frozen=True)
class Page:
    """What a page shows.

    Attributes:
        title: Its heading.
        env: The study's environment.
        image_size: Working size in pixels.
        cells: The study's, or one subject's.
        methods: In printed order.
        parts: Subject to its part, see ``subject_part``.
        backgrounds: Subject to its frame of ``intervals.background_intervals``.
        values: Subject to its values of single images, of all trainings.
        kinds: Of the subjects' sets of photos; the variance between trainings is pooled within a kind.
        comparisons: Pairs of methods whose difference, first minus second, is shown.
        own_prompts: Prompt sets that only repeat prompts which HYPNOS trains on.
        recorded: The recorded findings, where the study names any.
        tables: With their headings; all that is also in files.
        figures: Of the whole study.
        stages: Of one subject, see ``stage_sections``.
        home: Address of the study's page, on a subject's.
    """

    title: str
    env: str
    image_size: int
    cells: pandas.DataFrame
    methods: Sequence[MethodLabel]
    parts: Mapping[str, Mapping[str, Any]]
    backgrounds: Mapping[str, pandas.DataFrame]
    values: Values = field(default_factory=dict)
    kinds: Kinds = field(default_factory=dict)
    comparisons: Sequence[tuple[str, str]] = ()
    own_prompts: Collection[str] = ()
    recorded: Recorded | None = None
    tables: Sequence[tuple[str, Table]] = ()
    figures: Sequence[Figure] = ()
    stages: Sequence[tuple[str, Sequence[Any]]] = field(default=())
    home: str = ""

    def html(self) -> str:
        """Returns the page, ending in a newline."""
        rows = by_key(self.cells)
        found = self._differences()
        names = [method.name for method in self.methods]
        paired = differences_table(found, self.methods, self.own_prompts)
        parts, brief = fitted(self.parts, alone=bool(self.home), others=self._other_pictures())
        shown = {
            "title": self.title,
            "home": self.home,
            "facts": header_facts(self.env, self.image_size, self.parts, self.methods, self._trainings),
            "trainings": self._trainings,
            "pooled": len(self.parts) > 1,
            "recorded": self.recorded,
            "methods": [(charts.glyph(n), n % len(charts.COLOURS), m) for n, m in enumerate(self.methods)],
            "subjects": [
                {"name": name, "label": subject_label(name), "sets": _by_prompt_set(part), **part}
                for name, part in parts.items()
            ],
            "colours": charts.COLOURS,
            "set_titles": SET_TITLES,
            "named": partial(prompt_set_label, own=self.own_prompts),
            "cards": cards(rows, self.methods, list(self.parts), self._card_estimates(), self.own_prompts),
            "trade_off": _trade_off(rows, self.methods, list(self.parts)),
            "axes": (OBEDIENCE, FIDELITY),
            "differences": difference_charts(found, self.methods, self.own_prompts)
            if len(self.parts) <= MOST_CHARTS
            else [],
            "places": {method.label: place for place, method in enumerate(self.methods)},
            "minus": sorted({names.index(each.minus) for each in found}),
            "paired": paired,
            "heat": heat_table(rows, self.methods, list(self.parts), headline_only=brief),
            "networks": networks_table(self.parts),
            "tables": [] if brief else self.tables,
            "files": FILES if brief else (),
            "figures": self.figures,
            "stages": self.stages,
            "csv": "" if brief else self.cells.to_csv(index=False),
            "drawers": {} if brief else drawers(rows, self.methods, parts, self.env),
            "address": _address(brief),
            "brief": brief,
        }
        return render("page.html", **shown)

    @cached_property
    def _trainings(self) -> int:
        return trainings_of(self.values)

    def _differences(self) -> list[Difference]:
        """Returns the paired differences, over trainings where there are several."""
        if self._trainings == 1:
            return differences_over_images(self.parts, self.backgrounds)
        measures = [measure.key for measure in HEADLINE]
        return difference_estimates(self.values, self.kinds, self.comparisons, measures)

    def _card_estimates(self) -> dict[CellKey, Estimate]:
        """Returns the cards' cells with their intervals over trainings; of one training there are none."""
        names = [method.name for method in self.methods]
        several = self.values if self._trainings > 1 else {}
        return method_estimates(several, self.kinds, names, [measure.key for measure in CARDS])

    def _other_pictures(self) -> int:
        """Returns the bytes of all pictures but the subjects'."""
        of_stages = (part["source"] for _, parts in self.stages for part in parts if "source" in part)
        return sum(map(len, [*of_stages, *(figure.source for figure in self.figures)]))


def _by_prompt_set(part: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    grouped = groupby(part["rows"], key=itemgetter("prompt_set"))
    return [(prompt_set, list(rows)) for prompt_set, rows in grouped]


def _address(brief: bool):
    """Returns the function that gives the address of cells: in this page, or in their subject's."""

    def address(keys: Sequence[CellKey]) -> str:
        page = SUBJECT_PAGE.format(subject=keys[0].subject) if brief else ""
        return f"{page}#{anchor(keys)}"

    return address


def _trade_off(
    cells: Mapping[CellKey, Any], methods: Sequence[MethodLabel], subjects: Sequence[str]
) -> list[tuple[str, str]]:
    """Returns a heading and an SVG for each subject, or one for all where they are many."""
    axes, known = (OBEDIENCE, FIDELITY), scales(cells)
    if any(axis.key not in known for axis in axes):
        return []
    points: dict[str, list[charts.Point]] = {}
    for subject in subjects:
        heading = subject_label(subject) if len(subjects) <= MOST_CHARTS else "All subjects"
        for place, method in enumerate(methods):
            keys = [CellKey(axis.prompt_set, subject, method.name, axis.name) for axis in axes]
            if all(key in cells for key in keys):
                point = charts.Point(place, *(cells[key].mean for key in keys))
                points.setdefault(heading, []).append(point)
    across, upwards = (
        charts.Scale(f"{axis.metric.label}, {axis.prompt_set}", *known[axis.key]) for axis in axes
    )
    return [
        (heading, charts.trade_off(f"Trade-off: {heading}", several, across, upwards))
        for heading, several in points.items()
    ]


def study_title(subjects: Sequence[str]) -> str:
    """Returns the heading of a study's page."""
    named = (
        listed(map(subject_label, subjects)) if len(subjects) <= MOST_CHARTS else f"{len(subjects)} subjects"
    )
    return f"HYPNOS study: {named}"
