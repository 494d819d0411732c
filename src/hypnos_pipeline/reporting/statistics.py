"""Intervals and verdicts over several trainings: the unit is the training, not the image.

In training s two methods sample the same prompts from the same noise, and d_s is the mean difference of their
images. The d_s of one object scatter about its mean; that variance is pooled over the objects of one kind of
set, since five trainings alone say little of it. Intervals are Student's t with objects × (trainings − 1)
degrees of freedom: a percentile bootstrap over five trainings is far too narrow. They speak of other
trainings on the same objects and prompts, and not of other objects.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from hypnos_pipeline.metrics.registry import METRICS

if TYPE_CHECKING:
    import pandas

Key = TypeVar("Key", bound=Hashable)
LEVEL = 0.95
NO_VERDICT = "one training: no verdict"


class Verdict(StrEnum):
    """What is concluded of a claim that a difference has a direction, given δ, the smallest that matters.

    With the interval of :func:`verdicts`: no difference beyond δ where it lies wholly within ±δ, whether it
    holds 0 or not; otherwise seen where it lies wholly on the claimed side of 0, opposite where wholly on the
    other side, and not decided everywhere else.
    """

    SEEN = "seen"
    OPPOSITE = "opposite"
    NO_DIFFERENCE = "no difference beyond δ"
    NOT_DECIDED = "not decided"


@dataclass(frozen=True)
class Estimate:
    """A mean over trainings.

    Attributes:
        mean: Of the trainings, or of the objects' means.
        error: Its standard error.
        freedom: Degrees of freedom that the standard error has; at least 1.
        trainings: How many of one object there are, the fewest of any.
    """

    mean: float
    error: float
    freedom: int
    trainings: int

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Returns the ends of Student's interval that covers the true mean with probability ``level``."""
        from scipy.special import stdtrit

        half = float(stdtrit(self.freedom, (1 + level) / 2)) * self.error
        return self.mean - half, self.mean + half

    def beyond(self, distance: float) -> float:
        """Returns the error rate, 1 − level, of the interval that reaches just so far to either side.

        Args:
            distance: From the mean; where it is not above 0, the error rate is 1.
        """
        from scipy.special import stdtr

        if distance <= 0:
            return 1.0
        return 2 * float(stdtr(self.freedom, -distance / self.error)) if self.error else 0.0


@dataclass(frozen=True)
class Claim:
    """A difference as measured, the direction that is claimed of it, and δ.

    Attributes:
        estimate: Of the difference.
        direction: Whether it is claimed to be above or below 0.
        delta: δ, the smallest difference that matters; not negative.
    """

    estimate: Estimate
    direction: Literal["higher", "lower"]
    delta: float

    def needed(self) -> float:
        """Returns the smallest error rate at which this claim has a verdict."""
        size = abs(self.estimate.mean)
        return min(self.estimate.beyond(size), self.estimate.beyond(self.delta - size))

    def verdict(self, error_rate: float) -> Verdict:
        """Returns the verdict by the interval of level 1 − ``error_rate``."""
        low, high = self.estimate.interval(1 - error_rate)
        if max(-low, high) <= self.delta:
            return Verdict.NO_DIFFERENCE
        if low <= 0 <= high:
            return Verdict.NOT_DECIDED
        return Verdict.SEEN if (low > 0) == (self.direction == "higher") else Verdict.OPPOSITE


def verdicts(claims: Mapping[Key, Claim], level: float = LEVEL) -> dict[Key, Verdict]:
    """Returns the verdicts of the claims of one kind of set, corrected by Holm for their number.

    The claims are taken by the error rate that each needs for a verdict, the smallest first. The first of m
    may err at (1 − level) / m, the next at (1 − level) / (m − 1) and so on; from the first that needs more,
    none is decided (Holm, 1979). A verdict errs only where its interval misses the true difference. That at
    most 1 − level of such families contain an error is proven for independent claims (Shaffer, 1980).

    Args:
        claims: By any key.
        level: Of the family.
    """
    found = dict.fromkeys(claims, Verdict.NOT_DECIDED)
    for place, key in enumerate(sorted(claims, key=lambda key: claims[key].needed())):
        error_rate = (1 - level) / (len(claims) - place)
        if claims[key].needed() > error_rate:
            break
        found[key] = claims[key].verdict(error_rate)
    return found


def pooled(trainings: Mapping[Key, Sequence[float]]) -> dict[Key, Estimate]:
    """Returns each object's mean over its trainings, the variance between trainings pooled over all objects.

    Args:
        trainings: Object to one value for each training: a mean of one method, or a difference of two.

    Raises:
        ValueError: If no object has two trainings, which say nothing of how trainings differ.
    """
    values = {key: np.asarray(several, dtype=float) for key, several in trainings.items()}
    freedom = sum(len(several) - 1 for several in values.values())
    if not freedom:
        raise ValueError("one training has no interval: expected an object with two trainings or more")
    variance = sum(float(np.square(each - each.mean()).sum()) for each in values.values()) / freedom
    return {
        key: Estimate(float(each.mean()), math.sqrt(variance / len(each)), freedom, len(each))
        for key, each in values.items()
    }


def mean_of_objects(objects: Mapping[Any, Estimate]) -> Estimate:
    """Returns the mean of objects that :func:`pooled` gave, each counting the same."""
    several = list(objects.values())
    return Estimate(
        sum(each.mean for each in several) / len(several),
        math.hypot(*(each.error for each in several)) / len(several),
        several[0].freedom,
        min(each.trainings for each in several),
    )


def values_of(values: pandas.DataFrame, method: str, measure: tuple[str, str]) -> pandas.DataFrame:
    """Returns one method's rows of one measure, indexed by training and image.

    Args:
        values: Of single images of one subject, with ``method``, ``prompt_set``, ``metric``, ``image``,
            ``value`` and ``training``.
        method: The method's name.
        measure: Prompt set and metric.
    """
    prompt_set, metric = measure
    wanted = (values["method"] == method) & (values["metric"] == metric)
    wanted &= values["prompt_set"] == prompt_set
    return values[wanted].dropna(subset="value").set_index(["training", "image"])


def paired(ours: pandas.DataFrame, theirs: pandas.DataFrame) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Returns the rows of the trainings and images that both have, in one order.

    Args:
        ours: See :func:`values_of`.
        theirs: Of the other method.

    Raises:
        ValueError: If a training of both has an image of one alone, and the metric is not partial.
    """
    shared = {*ours.index.get_level_values(0)} & {*theirs.index.get_level_values(0)}
    ours, theirs = (frame[frame.index.isin(shared, level=0)] for frame in (ours, theirs))
    alone = ours.index.symmetric_difference(theirs.index)
    if len(alone) and not METRICS[ours["metric"].iloc[0]].partial:
        strangers = ", ".join(sorted({image for _, image in alone}))
        raise ValueError(f"different images cannot be paired: {strangers}")
    both = ours.index[ours.index.isin(theirs.index)]
    return ours.loc[both], theirs.loc[both]


def training_differences(ours: pandas.DataFrame, theirs: pandas.DataFrame) -> dict[int, float]:
    """Returns d_s, ours minus theirs, of every training s that both have; see :func:`paired`."""
    ours, theirs = paired(ours, theirs)
    means = (ours["value"] - theirs["value"]).groupby(level=0).mean()
    return {int(training): float(mean) for training, mean in zip(means.index.tolist(), means, strict=True)}


def differences_from(
    reference: pandas.DataFrame, values: pandas.DataFrame, methods: Iterable[str], measure: tuple[str, str]
) -> dict[str, list[float]]:
    """Returns how each method differs from one that all are compared with, in every training that both have.

    Methods that share fewer than two trainings with it are left out: one difference has no variance.

    Args:
        reference: The rows of the method that is subtracted; see :func:`values_of`.
        values: Of single images of one subject.
        methods: Names.
        measure: Prompt set and metric.
    """
    found = {
        method: [*training_differences(values_of(values, method, measure), reference).values()]
        for method in methods
    }
    return {method: several for method, several in found.items() if len(several) > 1}
