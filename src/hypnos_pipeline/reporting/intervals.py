"""Bootstrap intervals of requested backgrounds over prompts and seeds, paired between methods (method.md §9).

An image's value is its mean over the photos, which are all there are and not resampled. The colours are
drawn with replacement, then the images of each drawn colour: prompts differ more than noise does, and an
interval that drew single images alone would be too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hypnos_pipeline.metrics.registry import METRICS

if TYPE_CHECKING:
    import pandas

DRAWS = 10_000
LEVEL = 0.95
INTERVAL_COLUMNS = [
    *("prompt_set", "method", "minus", "metric", "mean", "low", "high"),
    *("images", "colours", "photos", "truth"),
]


def resampled_weights(colours: Sequence[str], draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draws colours with replacement, then as many images of each drawn colour as it has.

    Args:
        colours: Of each image.
        draws: How many times.
        rng: Source of the draws.

    Returns:
        draws×images float64; a row holds each image's share of one resample and sums to 1.
    """
    groups = [np.flatnonzero(np.asarray(colours) == colour) for colour in sorted(set(colours))]
    counts = np.zeros((draws, len(colours)))
    for drawn in rng.integers(len(groups), size=(len(groups), draws)):
        for number, group in enumerate(groups):
            rows = np.flatnonzero(drawn == number)
            images = group[rng.integers(len(group), size=(len(rows), len(group)))]
            np.add.at(counts, (rows[:, None], images), 1.0)
    return counts / counts.sum(axis=1, keepdims=True)


def interval(values: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Returns the mean of images' values and the percentile interval of its resamples.

    Args:
        values: One for each image.
        weights: See :func:`resampled_weights`.
    """
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(weights @ values, [tail, 1 - tail])
    return float(values.mean()), float(low), float(high)


def background_intervals(
    pairs: Mapping[str, pandas.DataFrame],
    comparisons: Sequence[tuple[str, str]],
    truth: str,
    rng: np.random.Generator,
) -> pandas.DataFrame:
    """Returns one subject's metrics of requested background colours with their intervals.

    Args:
        pairs: Method to its rows of ``pairs.parquet``; images of the same name are paired.
        comparisons: Pairs of methods whose difference, first minus second, is wanted.
        truth: Where the true cut-outs come from.
        rng: Source of the draws, which are the same for all methods and metrics.

    Returns:
        Columns ``INTERVAL_COLUMNS``. A row without ``minus`` is a method's own mean, one with it the mean
        difference. Undefined cells are absent; without requested colours there are no rows.

    Raises:
        ValueError: If methods have different images, which cannot be paired.
    """
    import pandas

    requested = [name for name, metric in METRICS.items() if metric.requested_colour]
    kept = {method: frame[frame["metric"].isin(requested)] for method, frame in pairs.items()}
    rows: list[tuple[Any, ...]] = []
    for prompt_set in dict.fromkeys(name for frame in kept.values() for name in frame["prompt_set"]):
        of_set = {method: frame[frame["prompt_set"] == prompt_set] for method, frame in kept.items()}
        rows += [(prompt_set, *row) for row in _intervals_of(of_set, requested, comparisons, truth, rng)]
    return pandas.DataFrame(rows, columns=INTERVAL_COLUMNS)


def _intervals_of(
    pairs: Mapping[str, pandas.DataFrame],
    metrics: Sequence[str],
    comparisons: Sequence[tuple[str, str]],
    truth: str,
    rng: np.random.Generator,
) -> Iterator[tuple[Any, ...]]:
    """Yields one prompt set's rows behind ``prompt_set``."""
    colours = _colours(pairs)
    weights = resampled_weights(list(colours.values()), DRAWS, rng)
    means = {method: _means(frame, list(colours)) for method, frame in pairs.items()}
    photos = max(frame.loc[frame["photo"] != "", "photo"].nunique() for frame in pairs.values())
    counted = (len(colours), len(set(colours.values())), photos, truth)
    for method, minus in [*((method, "") for method in pairs), *comparisons]:
        for metric in metrics:
            values, others = means[method].get(metric), means[minus].get(metric) if minus else 0.0
            if values is not None and others is not None:
                yield (method, minus, metric, *interval(values - others, weights), *counted)


def _colours(pairs: Mapping[str, pandas.DataFrame]) -> dict[str, str]:
    """Returns image to colour, the same of all methods, in order of the images' names."""
    found = {}
    for method, frame in pairs.items():
        rows = frame[["image", "colour"]].drop_duplicates().sort_values("image")
        found[method] = dict(rows.itertuples(index=False, name=None))
    first = next(iter(found.values()), {})
    if strangers := [method for method, colours in found.items() if colours != first]:
        raise ValueError(f"images of requested backgrounds differ between methods: {', '.join(strangers)}")
    return first


def _means(pairs: pandas.DataFrame, images: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns metric to the images' means over photos, in the images' order."""
    means = pairs.groupby(["metric", "image"])["value"].mean()
    return {
        metric: means[metric].loc[list(images)].to_numpy(dtype=float)
        for metric in dict.fromkeys(pairs["metric"])
    }


def paired_differences(
    pairs: Mapping[str, pandas.DataFrame],
    comparisons: Sequence[tuple[str, str]],
    measures: Sequence[tuple[str, str]],
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Returns one subject's mean differences of methods on the same prompts and noise, with their intervals.

    Args:
        pairs: Method to its rows of ``pairs.parquet``; images of the same name are paired.
        comparisons: Pairs of methods whose difference, first minus second, is wanted.
        measures: Prompt set and metric; metrics of requested colours have :func:`background_intervals`.
        rng: Source of the draws of images, which are the same for all comparisons of a measure.

    Returns:
        Rows ``method, minus, prompt_set, metric, mean, low, high, images``; without paired images none.
    """
    rows = []
    for prompt_set, metric in measures:
        means = {
            method: frame[(frame["prompt_set"] == prompt_set) & (frame["metric"] == metric)]
            .groupby("image")["value"]
            .mean()
            for method, frame in pairs.items()
        }
        paired = [(means[ours] - means[theirs]).dropna() for ours, theirs in comparisons]
        counts = {len(differences) for differences in paired if len(differences)}
        weights = {count: resampled_weights([""] * count, DRAWS, rng) for count in sorted(counts)}
        for (ours, theirs), differences in zip(comparisons, paired, strict=True):
            if len(differences):
                values = differences.to_numpy(dtype=float)
                found = zip(("mean", "low", "high"), interval(values, weights[len(values)]), strict=True)
                row = {"method": ours, "minus": theirs, "prompt_set": prompt_set, "metric": metric}
                rows.append({**row, **dict(found), "images": len(values)})
    return rows
