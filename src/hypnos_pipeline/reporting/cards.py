"""A card for each subject: which method, by three questions, and whether there is a verdict.

Its strips show every method's value of this run on one scale for all subjects, the metric's good end to the
right. One training gives no verdict, since another one of the same settings can turn the order round; several
give an interval over trainings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.headline import CARDS, Measure, place_on
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.statistics import NO_VERDICT, Estimate
from hypnos_pipeline.reporting.tables import number, with_interval

DECIMALS = 2
APART = 0.065
"""Part of a strip that a sign takes; nearer ones stand above one another."""


@dataclass(frozen=True)
class Dot:
    """One method's value on a strip: its place in the study's order, the value in print, and where it stands.

    Attributes:
        method: Its place in the study's order.
        text: The value in print, with its interval where there is one.
        place: From 0, the worst of the study, to 1, the best.
        ends: Where its interval ends, left and right; both are its place where there is none.
        level: How many signs stand below it.
        cell: Which cell it is.
    """

    method: int
    text: str
    place: float
    ends: tuple[float, float]
    level: int
    cell: CellKey


@dataclass(frozen=True)
class Strip:
    """One question's values, best first."""

    question: str
    heading: str
    dots: tuple[Dot, ...]

    @property
    def levels(self) -> int:
        """Returns how many signs stand above one another at most."""
        return max((dot.level for dot in self.dots), default=0) + 1


@dataclass(frozen=True)
class Card:
    """One subject's card; ``verdict`` says what may be concluded from its strips."""

    subject: str
    label: str
    verdict: str
    strips: tuple[Strip, ...]


Spans = Mapping[CellKey, tuple[float, float, float]]
"""Cell to its value and the ends of its interval; without an interval these are the value."""


def cards(
    cells: Mapping[CellKey, Any],
    methods: Sequence[MethodLabel],
    subjects: Sequence[str],
    estimates: Mapping[CellKey, Estimate] | None = None,
    own_prompts: Collection[str] = (),
) -> list[Card]:
    """Returns a card for each subject.

    Args:
        cells: Every cell's row of the study.
        methods: In printed order.
        subjects: In the study's order.
        estimates: Of the cards' cells, over several trainings; nothing for one.
        own_prompts: Prompt sets that only repeat prompts which HYPNOS trains on.
    """
    several = estimates or {}
    spans = {
        key: (several[key].mean, *several[key].interval()) if key in several else (row.mean,) * 3
        for key, row in cells.items()
        if (key.prompt_set, key.metric) in {measure.key for measure in CARDS}
    }
    trainings = max((each.trainings for each in several.values()), default=1)
    verdict = f"{trainings} trainings" if several else NO_VERDICT.capitalize()
    known = {(key.prompt_set, key.metric) for key in spans}
    scales = {measure: _scale(spans, measure) for measure in CARDS if measure.key in known}
    return [
        Card(
            subject,
            subject_label(subject),
            verdict,
            tuple(
                Strip(
                    each.question, each.words(own_prompts), _dots(spans, each.cells(subject, methods), scale)
                )
                for each, scale in scales.items()
            ),
        )
        for subject in subjects
    ]


def _scale(spans: Spans, measure: Measure) -> tuple[float, float]:
    """Returns the worst and the best end of any interval of the study."""
    ends = [
        each for key, span in spans.items() if (key.prompt_set, key.metric) == measure.key for each in span
    ]
    return (min(ends), max(ends)) if measure.metric.higher_is_better else (max(ends), min(ends))


def _dots(spans: Spans, cells: Sequence[CellKey], scale: tuple[float, float]) -> tuple[Dot, ...]:
    """Returns the strip's values, the best first: from right to left, each as low as there is room."""
    keys = [(method, key) for method, key in enumerate(cells) if key in spans]
    lefts: list[float] = []
    dots = []
    for method, key in sorted(keys, key=lambda each: -place_on(scale, spans[each[1]][0])):
        value, low, high = spans[key]
        place, *ends = (place_on(scale, each) for each in (value, low, high))
        left, right = min(ends), max(ends)
        level = next((n for n, other in enumerate(lefts) if right <= other - APART), len(lefts))
        lefts[level : level + 1] = [left]
        text = with_interval(value, low, high, DECIMALS) if low != high else number(value, DECIMALS)
        dots.append(Dot(method, text, place, (left, right), level, key))
    return tuple(dots)
