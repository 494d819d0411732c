"""What the paper expects of a method beside what was measured: differences with their intervals.

Methods sample the same prompts from the same noise, so images of the same name are paired. An image's value
is its mean over the photos. With several trainings, intervals and verdicts are over trainings, see
:mod:`hypnos_pipeline.reporting.statistics`. The variance between trainings is pooled over all methods of a
subject by the same measure, those of which nothing is expected among them. δ is the metric's
(:mod:`hypnos_pipeline.reporting.deltas`), and Holm's correction is for all expectations of a subject. One
training has the intervals over images of :mod:`hypnos_pipeline.reporting.intervals`, and no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.randomness import numpy_generator
from hypnos_pipeline.reporting.deltas import delta_of
from hypnos_pipeline.reporting.intervals import DRAWS, interval, resampled_weights
from hypnos_pipeline.reporting.statistics import (
    NO_VERDICT,
    Claim,
    Estimate,
    differences_from,
    paired,
    pooled,
    training_differences,
    values_of,
    verdicts,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from hypnos_pipeline.training.settings import Expectation

VALUE_COLUMNS = ["method", "prompt_set", "metric", "image", "colour", "value", "training"]
WEIGHED_COLUMNS = [
    *("method", "subject", "claim", "source", "prompt_set", "metric", "against", "against_subject"),
    *("value", "reference", "difference", "low", "high", "images", "trainings", "direction", "outcome"),
]
UNMEASURED = "not measured"
"""The outcome where one of the two methods has no values."""


def image_values(pairs: Mapping[str, pandas.DataFrame], training: int = 1) -> pandas.DataFrame:
    """Returns one subject's values of single images in one training, each the mean over the photos.

    Args:
        pairs: Method to its rows of ``pairs.parquet``.
        training: Its number.

    Returns:
        Columns ``VALUE_COLUMNS``; metrics of whole sets of images have no rows.
    """
    import pandas

    keys = ["prompt_set", "metric", "image", "colour"]
    means = [
        frame.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index().assign(method=method)
        for method, frame in pairs.items()
        if len(frame)
    ]
    joined = pandas.concat(means, ignore_index=True) if means else pandas.DataFrame(columns=VALUE_COLUMNS)
    return joined.assign(training=training)[VALUE_COLUMNS]


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
        method, ``reference`` of the other, their ``difference`` with its interval, and the ``outcome``: a
        ``statistics.Verdict``, ``NO_VERDICT`` or ``UNMEASURED``.

    Raises:
        ValueError: If the two have different images, which cannot be paired.
    """
    import pandas

    rows = []
    for method, several in expectations.items():
        for number, each in enumerate(several):
            for subject in [each.subject] if each.subject else values:
                other = each.against_subject or subject
                measure = (each.prompt_set, each.metric)
                ours = values_of(values[subject], method, measure)
                theirs = values_of(values[other], each.against, measure)
                rng = numpy_generator(seed, f"reporting/expectations/{subject}/{method}", number)
                measured = _measured(ours, theirs, rng)
                rows.append(each.model_dump() | {"method": method, "subject": subject} | measured)
                rows[-1]["against_subject"] = other
    for subject in dict.fromkeys(row["subject"] for row in rows):
        _add_verdicts([row for row in rows if row["subject"] == subject and row["trainings"] > 1], values)
    return pandas.DataFrame(rows, columns=WEIGHED_COLUMNS)


def _measured(ours: pandas.DataFrame, theirs: pandas.DataFrame, rng: np.random.Generator) -> dict[str, Any]:
    """Returns the difference in every training; of one training also its interval over images."""
    ours, theirs = paired(ours, theirs)
    differences = training_differences(ours, theirs)
    if not differences:
        return {"images": 0, "trainings": 0, "outcome": UNMEASURED}
    row = {
        "value": float(ours["value"].groupby(level=0).mean().mean()),
        "reference": float(theirs["value"].groupby(level=0).mean().mean()),
        "images": int(ours["value"].groupby(level=0).size().max()),
        "trainings": len(differences),
    }
    if len(differences) > 1:
        return row
    colours = ours["colour"].astype(object).fillna("").tolist()
    single = (ours["value"] - theirs["value"]).to_numpy(dtype=float)
    mean, low, high = interval(single, resampled_weights(colours, DRAWS, rng))
    return row | {"difference": mean, "low": low, "high": high, "outcome": NO_VERDICT}


def _add_verdicts(rows: Sequence[dict[str, Any]], values: Mapping[str, pandas.DataFrame]) -> None:
    """Adds the intervals over trainings and the verdicts to one subject's rows."""
    estimates: dict[tuple[str, ...], Estimate] = {}
    by_measure: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_measure.setdefault((row["prompt_set"], row["metric"]), []).append(row)
    for measure, own in by_measure.items():
        estimates |= pooled(_all_methods(own, measure, values))
    claims = {
        place: Claim(estimates[_comparison(row)], row["direction"], delta_of(row["metric"]))
        for place, row in enumerate(rows)
    }
    for place, verdict in verdicts(claims).items():
        low, high = claims[place].estimate.interval()
        found = {"difference": claims[place].estimate.mean, "low": low, "high": high, "outcome": verdict}
        rows[place].update(found)


def _comparison(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("prompt_set", "metric", "method", "against", "against_subject"))


def _all_methods(
    rows: Sequence[Mapping[str, Any]], measure: tuple[str, str], values: Mapping[str, pandas.DataFrame]
) -> dict[tuple[str, ...], list[float]]:
    """Returns the differences of all methods from those that the rows of one measure are compared with."""
    subject = rows[0]["subject"]
    found: dict[tuple[str, ...], list[float]] = {}
    for against, other in dict.fromkeys((row["against"], row["against_subject"]) for row in rows):
        reference = values_of(values[other], against, measure)
        methods = [name for name in values[subject]["method"].unique() if (name, subject) != (against, other)]
        for method, several in differences_from(reference, values[subject], methods, measure).items():
            found[*measure, method, against, other] = several
    return found
