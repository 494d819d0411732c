"""The few measures that answer first: which they are, and the best method by each.

The page opens with them, and whatever else has room for a few numbers only can show the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS, Metric

if TYPE_CHECKING:
    from hypnos_pipeline.reporting.cells import CellKey


@dataclass(frozen=True)
class Measure:
    """A metric on a prompt set, with the question that it answers.

    Attributes:
        prompt_set: Name of the prompt set.
        name: The metric's.
        question: In plain words, for the page's cards; empty where it has no card.
    """

    prompt_set: str
    name: str
    question: str = ""

    @property
    def metric(self) -> Metric:
        """Returns the metric."""
        return METRICS[self.name]


FIDELITY = Measure("backgrounds", "foreground_dino", "Is the object kept?")
BACKGROUND = Measure("backgrounds", "background_obeyed", "Is the background free to change?")
OBEDIENCE = Measure("varying", "clip_t", "Is the prompt followed?")

HEADLINE = (
    Measure("invariant", "dino"),
    Measure("varying", "dino"),
    OBEDIENCE,
    FIDELITY,
    BACKGROUND,
)
"""In the page's order. A study has those whose prompt set and metric it has."""

CARDS = (FIDELITY, BACKGROUND, OBEDIENCE)


def measured(cells: Mapping[CellKey, Any], wanted: tuple[Measure, ...] = HEADLINE) -> list[Measure]:
    """Returns those of the wanted measures that any method of the study has a value of."""
    present = {(key.prompt_set, key.metric) for key in cells}
    return [each for each in wanted if (each.prompt_set, each.name) in present]
