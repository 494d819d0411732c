"""The few measures that answer first: which they are, and the best method by each.

The page opens with them, and whatever else has room for a few numbers only can show the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.labels import prompt_set_label

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.reporting.labels import MethodLabel


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

    @property
    def key(self) -> tuple[str, str]:
        """Returns prompt set and metric."""
        return self.prompt_set, self.name

    def words(self, own_prompts: Collection[str]) -> str:
        """Returns metric and prompt set in print, see ``labels.prompt_set_label``."""
        return f"{self.metric.heading}, {prompt_set_label(self.prompt_set, own_prompts)}"

    def cells(self, subject: str, methods: Sequence[MethodLabel]) -> list[CellKey]:
        """Returns the keys of one subject's cells, in the methods' order."""
        return [CellKey(self.prompt_set, subject, method.name, self.name) for method in methods]


FIDELITY = Measure("backgrounds", "foreground_dino", "Is the object kept?")
BACKGROUND = Measure("backgrounds", "background_obeyed", "Is the background free to change?")
OBEDIENCE = Measure("varying", "clip_t", "Is the prompt followed?")

PRINTED = (
    Measure("invariant", "dino"),
    Measure("varying", "dino"),
    OBEDIENCE,
    FIDELITY,
    BACKGROUND,
)
"""What ``dvc metrics show`` prints."""
HEADLINE = (
    *PRINTED,
    Measure("varying", "unseen_dino"),
    Measure("varying", "scene_obeyed"),
    Measure("invariant", "background_leak"),
)
"""In the page's order. A study has those whose prompt set and metric it has."""

CARDS = (FIDELITY, BACKGROUND, OBEDIENCE)


Scales = Mapping[tuple[str, str], tuple[float, float]]
"""Prompt set and metric to the worst and the best value of the whole study."""


def scales(cells: Mapping[CellKey, Any]) -> Scales:
    """Returns the scale of every measure that the study has; without a direction, from highest to lowest."""
    values: dict[tuple[str, str], list[float]] = {}
    for key, row in cells.items():
        values.setdefault((key.prompt_set, key.metric), []).append(row.mean)
    return {
        key: (min(several), max(several))
        if METRICS[key[1]].higher_is_better
        else (max(several), min(several))
        for key, several in values.items()
    }


def place_on(scale: tuple[float, float], value: float) -> float:
    """Returns where a value stands between the worst (0) and the best (1)."""
    worst, best = scale
    return 0.5 if worst == best else (value - worst) / (best - worst)


def headlines(cells: pandas.DataFrame) -> dict[str, dict[str, float]]:
    """Returns the few numbers that ``dvc metrics show`` prints of each method, in a line that fits a screen.

    Returns:
        Method → metric → mean of the subjects' means; of a metric that stands in the list twice, the later.
    """
    found: dict[str, dict[str, float]] = {}
    for prompt_set, metric in {measure.name: measure.key for measure in PRINTED}.values():
        chosen = cells[(cells["prompt_set"] == prompt_set) & (cells["metric"] == metric)]
        for method, mean in chosen.groupby("method", sort=False)["mean"].mean().items():
            found.setdefault(str(method), {})[metric] = float(mean)
    return found
