"""What the trainings of a study say together: methods and their differences, with intervals over trainings.

One training has no such interval; then there is nothing here, and pages show values without a verdict.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hypnos_pipeline.reporting.cells import CellKey
from hypnos_pipeline.reporting.labels import subject_label
from hypnos_pipeline.reporting.statistics import (
    Estimate,
    mean_of_objects,
    pooled,
    training_differences,
    values_of,
)

if TYPE_CHECKING:
    import pandas

Values = Mapping[str, "pandas.DataFrame"]
"""Subject to its frame of ``expectations.image_values``."""
Kinds = Mapping[str, str]
"""Subject to the kind of its set of photos; the variance between trainings is pooled within a kind."""
Key = TypeVar("Key", bound=Hashable)
KIND_WORDS = {"one_place": " in one place", "several_places": " in several places"}


class Difference(NamedTuple):
    """The mean of one method minus that of another, and its interval.

    Attributes:
        subject: Its name; empty where the difference is the mean of several.
        label: The row's text in charts and tables.
        method: The first method's name.
        minus: The one's that is subtracted.
        prompt_set: Of the measure.
        metric: Of the measure.
        mean: Of the images' differences, over all trainings.
        low: The interval's lower end, over trainings where there are several, else over images.
        high: Its upper end.
        trainings: How many there are.
    """

    subject: str
    label: str
    method: str
    minus: str
    prompt_set: str
    metric: str
    mean: float
    low: float
    high: float
    trainings: int

    @property
    def clear(self) -> bool:
        """Returns whether an interval over trainings lies wholly on one side of 0."""
        return self.trainings > 1 and (self.low > 0 or self.high < 0)


def trainings_of(values: Values) -> int:
    """Returns how many trainings a study has."""
    return max((int(frame["training"].max()) for frame in values.values() if len(frame)), default=1)


def method_estimates(
    values: Values, kinds: Kinds, methods: Sequence[str], measures: Iterable[tuple[str, str]]
) -> dict[CellKey, Estimate]:
    """Returns each method's mean over its trainings on every subject.

    Args:
        values: Of single images.
        kinds: Of the subjects.
        methods: Names.
        measures: Prompt sets and metrics; a metric of whole sets of images has no values of single ones.
    """
    found: dict[CellKey, Estimate] = {}
    for measure in measures:
        for method in methods:
            for subjects in by_kind(values, kinds):
                of_all = {subject: values_of(values[subject], method, measure) for subject in subjects}
                means = {
                    CellKey(measure[0], subject, method, measure[1]): list(
                        frame["value"].groupby(level="training").mean()
                    )
                    for subject, frame in of_all.items()
                }
                found |= _pooled(means)
    return found


def difference_estimates(
    values: Values,
    kinds: Kinds,
    comparisons: Iterable[tuple[str, str]],
    measures: Sequence[tuple[str, str]],
) -> list[Difference]:
    """Returns the differences of methods on every subject, and behind those of a kind their mean.

    Args:
        values: Of single images.
        kinds: Of the subjects.
        comparisons: Pairs of methods, the second subtracted from the first.
        measures: Prompt sets and metrics.
    """
    pairs, found = list(comparisons), []
    for measure in measures:
        for subjects in by_kind(values, kinds):
            for pair in pairs:
                differences = {
                    subject: list(
                        training_differences(
                            *(values_of(values[subject], method, measure) for method in pair)
                        ).values()
                    )
                    for subject in subjects
                }
                objects = _pooled(differences)
                rows = {subject: (subject_label(subject), each) for subject, each in objects.items()}
                if len(objects) > 1:
                    label = mean_label(len(objects), kinds.get(subjects[0], ""))
                    rows[""] = (label, mean_of_objects(objects))
                found += [
                    Difference(subject, label, *pair, *measure, each.mean, *each.interval(), each.trainings)
                    for subject, (label, each) in rows.items()
                ]
    return found


def mean_label(objects: int, kind: str) -> str:
    """Returns what the row of several objects' mean is called in charts and tables."""
    return f"Mean of {objects}{KIND_WORDS.get(kind, '')}"


def by_kind(values: Values, kinds: Kinds) -> list[list[str]]:
    """Returns the sets of each kind, in their order."""
    grouped: dict[str, list[str]] = {}
    for subject in values:
        grouped.setdefault(kinds.get(subject, ""), []).append(subject)
    return list(grouped.values())


def _pooled(trainings: Mapping[Key, Sequence[float]]) -> dict[Key, Estimate]:
    """Returns the estimates, none where no object has two trainings."""
    measured = {key: several for key, several in trainings.items() if several}
    return pooled(measured) if any(len(several) > 1 for several in measured.values()) else {}
