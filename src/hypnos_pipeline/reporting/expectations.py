"""What the paper expects of a method beside what was measured: paired differences with their intervals.

Methods sample the same prompts from the same noise, so images of the same name are paired. An image's value
is its mean over the photos; the draws are those of :mod:`hypnos_pipeline.reporting.intervals`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from hypnos_pipeline.randomness import numpy_generator
from hypnos_pipeline.reporting.intervals import DRAWS, interval, resampled_weights, side_of_zero

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.training.settings import Expectation

VALUE_COLUMNS = ["method", "prompt_set", "metric", "image", "colour", "value"]
WEIGHED_COLUMNS = [
    *("method", "subject", "claim", "source", "prompt_set", "metric", "against", "against_subject"),
    *("value", "reference", "difference", "low", "high", "images", "direction", "outcome"),
]


class Outcome(StrEnum):
    """The interval of a difference, against the direction that is expected of it.

    Seen, opposite: the interval lies wholly on the expected or on the other side of 0. No clear difference:
    it holds 0. Not measured: one of the two methods has no values.
    """

    SEEN = "seen"
    OPPOSITE = "opposite"
    UNCLEAR = "no clear difference"
    UNMEASURED = "not measured"


def image_values(
    pairs: Mapping[str, pandas.DataFrame], expectations: Mapping[str, Sequence[Expectation]]
) -> pandas.DataFrame:
    """Returns one subject's values of single images, as far as any expectation is about them.

    Args:
        pairs: Method to its rows of ``pairs.parquet``.
        expectations: Method to what the paper expects of it.

    Returns:
        Columns ``VALUE_COLUMNS``; without expectations there are no rows.
    """
    import pandas

    wanted = {(each.prompt_set, each.metric) for several in expectations.values() for each in several}
    frames = []
    for method, frame in pairs.items():
        keys = pandas.MultiIndex.from_frame(frame[["prompt_set", "metric"]])
        chosen = frame[keys.isin(list(wanted))] if wanted else frame.iloc[:0]
        means = chosen.groupby(["prompt_set", "metric", "image", "colour"], sort=False)["value"].mean()
        frames.append(means.reset_index().assign(method=method)[VALUE_COLUMNS])
    filled = [frame for frame in frames if len(frame)]
    return pandas.concat(filled, ignore_index=True) if filled else pandas.DataFrame(columns=VALUE_COLUMNS)


def weigh(
    expectations: Mapping[str, Sequence[Expectation]], values: Mapping[str, pandas.DataFrame], seed: int
) -> pandas.DataFrame:
    """Compares every expectation with what was measured.

    Args:
        expectations: Method to what the paper expects of it.
        values: Subject to its frame of :func:`image_values`.
        seed: The study's, for the draws.

    Returns:
        Columns ``WEIGHED_COLUMNS``, a row for each expectation and subject it is about: ``value`` of the
        method, ``reference`` of the other, their ``difference`` with its interval, and the ``outcome``.

    Raises:
        ValueError: If the two have different images, which cannot be paired.
    """
    import pandas

    by_cell = {subject: _by_cell(frame) for subject, frame in values.items()}
    rows = []
    for method, several in expectations.items():
        for number, each in enumerate(several):
            for subject in [each.subject] if each.subject else values:
                other = each.against_subject or subject
                rng = numpy_generator(seed, f"reporting/expectations/{subject}/{method}", number)
                ours = by_cell[subject].get((method, each.prompt_set, each.metric))
                theirs = by_cell[other].get((each.against, each.prompt_set, each.metric))
                measured = _measured(ours, theirs, each.direction, rng)
                rows.append(each.model_dump() | {"method": method, "subject": subject} | measured)
                rows[-1]["against_subject"] = other
    return pandas.DataFrame(rows, columns=WEIGHED_COLUMNS)


def outcome(low: float, high: float, direction: str) -> Outcome:
    """Returns the outcome of an expected direction, ``higher`` or ``lower``, from a difference's interval."""
    side = side_of_zero(low, high)
    if not side:
        return Outcome.UNCLEAR
    return Outcome.SEEN if (side > 0) == (direction == "higher") else Outcome.OPPOSITE


def _by_cell(frame: pandas.DataFrame) -> dict[tuple[str, str, str], pandas.DataFrame]:
    known = frame.fillna({"colour": ""})
    return {key: group.set_index("image") for key, group in known.groupby(["method", "prompt_set", "metric"])}


def _measured(
    ours: pandas.DataFrame | None,
    theirs: pandas.DataFrame | None,
    direction: str,
    rng: np.random.Generator,
) -> dict[str, Any]:
    if ours is None or theirs is None:
        return {"images": 0, "outcome": Outcome.UNMEASURED}
    if set(ours.index) != set(theirs.index):
        strangers = sorted(set(ours.index) ^ set(theirs.index))
        raise ValueError(f"different images cannot be paired: {', '.join(strangers)}")
    theirs = theirs.loc[ours.index]
    first, second = (frame["value"].to_numpy(dtype=float) for frame in (ours, theirs))
    mean, low, high = interval(first - second, resampled_weights(list(ours["colour"]), DRAWS, rng))
    return {
        "value": float(first.mean()),
        "reference": float(second.mean()),
        "difference": mean,
        "low": low,
        "high": high,
        "images": len(ours),
        "outcome": outcome(low, high, direction),
    }
