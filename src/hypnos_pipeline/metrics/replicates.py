"""The same evaluation on other noise, and how far its scores move (method.md §8; paper 0.E.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.image_set import ImageSet

if TYPE_CHECKING:
    import pandas as pd


def replicates_of(samples: ImageSet) -> list[ImageSet]:
    """Takes generated images apart by their manifest's ``replicate``, in its order.

    Returns:
        The first holds every prompt set, the others those that are sampled as often.
    """
    chosen: dict[int, list[dict[str, Any]]] = {}
    for row in samples.manifest:
        chosen.setdefault(row.get("replicate", 0), []).append(row)
    return [
        ImageSet({row["name"]: samples.images[row["name"]] for row in rows}, rows)
        for _, rows in sorted(chosen.items())
    ]


def replicate_spread(scores: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """Compares the means of every cell between replicates.

    Args:
        scores: Each replicate's, with ``prompt_set``, ``metric`` and ``mean``; the first gives the cells.

    Returns:
        For every cell that several replicates have: ``prompt_set``, ``metric``, ``means`` (in the replicates'
        order), ``mean`` and ``std`` of them (ddof 1). JSON types.
    """
    import numpy as np

    means: dict[tuple[str, str], list[float]] = {}
    for frame in scores:
        for prompt_set, metric, mean in frame[["prompt_set", "metric", "mean"]].itertuples(index=False):
            means.setdefault((prompt_set, metric), []).append(float(mean))
    return [
        {
            "prompt_set": prompt_set,
            "metric": metric,
            "means": values,
            "mean": float(np.mean(values)),
            "std": float(np.std(values, ddof=1)),
        }
        for (prompt_set, metric), values in means.items()
        if len(values) > 1
    ]
