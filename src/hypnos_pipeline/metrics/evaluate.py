"""All metrics of one subject and method: one row per pair, one row per cell (method.md §9)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.comparison import Comparison, Values, compare
from hypnos_pipeline.metrics.cut_out import OtherPlaces
from hypnos_pipeline.metrics.features import MetricNetworks
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.metrics.formulas import values_by_prompt_set
from hypnos_pipeline.metrics.registry import Metric, in_order
from hypnos_pipeline.progress import counted

if TYPE_CHECKING:
    from hypnos_pipeline.models.prompt_encoder import PromptEncoder

log = logging.getLogger(__name__)

PAIR_COLUMNS = ["prompt_set", "image", "colour", "photo", "metric", "value"]
SCORE_COLUMNS = ["prompt_set", "subject", "method", "metric", "mean", "std", "std_images", "n"]


def evaluate_samples(
    samples: ImageSet,
    photos: ImageSet,
    networks: MetricNetworks,
    *,
    metrics: Sequence[str],
    batch: int,
    subject: str,
    method: str,
    model: PromptEncoder | None = None,
    cut_outs: CutOuts | None = None,
    sample_mattes: Mapping[str, np.ndarray] | None = None,
    other_places: OtherPlaces | None = None,
    unseen: ImageSet | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Takes every metric of every prompt set of one subject and method.

    Args:
        samples: Generated images; manifest rows with ``name``, ``prompt_set``, ``prompt`` (as given to the
            model), ``noun_prompt`` (class noun in place of rare words) and, where a background colour is
            requested, ``colour``.
        photos: The subject's working photos, of the samples' size.
        networks: Those of the metrics, see ``features.load_metric_networks``.
        metrics: Names in the registry.
        batch: Images that go through a network at a time.
        subject: Name for the scores' column.
        method: Name for the scores' column.
        model: The finetuned model (the base model for ``base``), whose text encoder ``clip_t_paper`` reads.
        cut_outs: The photos' true foregrounds, for the metrics that read ``true_cut_outs``.
        sample_mattes: Matte of each generated image by name, S×S float32 in [0, 1], for those that read
            ``sample_mattes``.
        other_places: Images of the class where the photos were not taken, cut out, for those that read
            ``other_places``.
        unseen: Views of the subject that nothing else reads, of any size, for those that read ``unseen``;
            none are as if not given.

    Returns:
        ``pairs``: prompt_set, image, colour (empty where none is requested), photo (empty for metrics of one
        image), metric, value.
        ``scores``: prompt_set, subject, method, metric, mean, std (over pairs, ddof 1), std_images (of the
        means per image, ddof 1), n (pairs, or images). Set metrics have their value as ``mean`` and no std.
        Undefined cells are absent from both. That is warned of, but not where a metric's inputs are not
        given or its prompts request nothing of the kind.

    Raises:
        ValueError: If there are no samples or no photos, the manifest does not name the images, samples and
            photos differ in size, or the cut-outs are not those of the photos.
    """
    comparison = compare(
        samples, photos, networks, batch, model, cut_outs, sample_mattes, other_places, unseen
    )
    pairs, scores = [], []
    for metric in counted(in_order(metrics), "metrics", "metric"):
        for prompt_set, values in values_by_prompt_set(comparison, metric).items():
            if values is None or not np.isfinite(values.matrix).all():
                cell = f"{subject}.{method}, {prompt_set}, {metric.name}"
                log.warning("%s: undefined here, so the cell is left out", cell)
                continue
            key = {"prompt_set": prompt_set, "subject": subject, "method": method, "metric": metric.name}
            scores.append(key | summarise(metric, values.matrix, len(values.rows)))
            if metric.kind != "set":
                pairs.append(_pairs(comparison, metric, prompt_set, values))
    table = pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=PAIR_COLUMNS)
    return table, pd.DataFrame(scores, columns=SCORE_COLUMNS)


def _pairs(comparison: Comparison, metric: Metric, prompt_set: str, values: Values) -> pd.DataFrame:
    """Returns one row per value of a cell."""
    photos = comparison.photos if metric.kind == "pairwise" else [""]
    return pd.DataFrame(
        {
            "prompt_set": prompt_set,
            "image": np.repeat(comparison.column("name", values.rows), len(photos)),
            "colour": np.repeat(comparison.column("colour", values.rows), len(photos)),
            "photo": np.tile(photos, len(values.rows)),
            "metric": metric.name,
            "value": values.matrix.ravel(),
        }
    )


def summarise(metric: Metric, values: np.ndarray, images: int) -> dict[str, Any]:
    """Returns ``mean``, ``std``, ``std_images`` and ``n`` of one cell.

    Args:
        metric: Its kind decides what is counted.
        values: images × photos, images × 1 for metrics of one image, 1 × 1 for set metrics; float64.
        images: Number of generated images.
    """
    if metric.kind == "set":
        return {"mean": values.item(), "std": np.nan, "std_images": np.nan, "n": images}
    return {
        "mean": values.mean(),
        "std": _deviation(values.ravel()),
        "std_images": _deviation(values.mean(axis=1)),
        "n": values.size,
    }


def _deviation(values: np.ndarray) -> float:
    """Sample standard deviation; of a single value there is none."""
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan
