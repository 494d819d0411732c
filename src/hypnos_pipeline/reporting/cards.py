"""A card for each subject: which method, by three questions, and whether there is a verdict.

Its strips show every method's value of this run on one scale for all subjects, better to the right. A verdict
needs several trainings, since another training of the same settings can turn the order round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.headline import CARDS, Measure, place_on, scales
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.tables import number

DECIMALS = 2
NO_VERDICT = "One training: no verdict"


@dataclass(frozen=True)
class Dot:
    """One method's value on a strip: its place in the study's order, the value in print, and where it stands.

    Attributes:
        method: Its place in the study's order.
        text: The value in print.
        place: From 0, the worst of the study, to 1, the best.
        cell: Which cell it is.
    """

    method: int
    text: str
    place: float
    cell: CellKey


@dataclass(frozen=True)
class Strip:
    """One question's values, best first."""

    question: str
    heading: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Card:
    """One subject's card; ``verdict`` says what may be concluded from its strips."""

    subject: str
    label: str
    verdict: str
    strips: tuple[Strip, ...]


def cards(
    cells: Mapping[CellKey, Any], methods: Sequence[MethodLabel], subjects: Sequence[str]
) -> list[Card]:
    """Returns a card for each subject.

    Args:
        cells: Every cell's row of the study.
        methods: In printed order.
        subjects: In the study's order.
    """
    known = scales(cells)
    measures = [measure for measure in CARDS if measure.key in known]
    return [
        Card(
            subject,
            subject_label(subject),
            NO_VERDICT,
            tuple(_strip(cells, methods, subject, each, known[each.key]) for each in measures),
        )
        for subject in subjects
    ]


def _strip(
    cells: Mapping[CellKey, Any],
    methods: Sequence[MethodLabel],
    subject: str,
    measure: Measure,
    scale: tuple[float, float],
) -> Strip:
    keys = measure.cells(subject, methods)
    dots = [
        Dot(place, number(cells[key].mean, DECIMALS), place_on(scale, cells[key].mean), key)
        for place, key in enumerate(keys)
        if key in cells
    ]
    best_first = tuple(sorted(dots, key=lambda dot: -dot.place))
    return Strip(measure.question, f"{measure.metric.heading}, {measure.prompt_set}", best_first)
