"""All metrics of one subject and method: one row per pair, one row per cell (method.md §9)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from torch import Tensor

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.background_obeyed import background_obeyed
from hypnos_pipeline.metrics.clip_t import clip_t_of_embeddings
from hypnos_pipeline.metrics.clip_t_paper import clip_t_paper_of_embeddings
from hypnos_pipeline.metrics.features import ImageFeatures, MetricNetworks
from hypnos_pipeline.metrics.fid import fid_64_of_features, fid_of_features
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.metrics.kid import kid_of_features
from hypnos_pipeline.metrics.pairwise import pairwise
from hypnos_pipeline.metrics.registry import Metric, in_order
from hypnos_pipeline.progress import counted

if TYPE_CHECKING:
    from hypnos_pipeline.models.prompt_encoder import PromptEncoder

log = logging.getLogger(__name__)

PAIR_COLUMNS = ["prompt_set", "image", "colour", "photo", "metric", "value"]
SCORE_COLUMNS = ["prompt_set", "subject", "method", "metric", "mean", "std", "std_images", "n"]
SET_DISTANCES = {"fid": fid_of_features, "fid_64": fid_64_of_features, "kid": kid_of_features}
SMALLEST_SET = 2
"""A covariance, or an unbiased kernel estimate, needs two images on each side."""


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
        cut_outs: The photos' true foregrounds, which ``foreground_*`` read.

    Returns:
        ``pairs``: prompt_set, image, colour (empty where none is requested), photo (empty for metrics of one
        image), metric, value.
        ``scores``: prompt_set, subject, method, metric, mean, std (over pairs, ddof 1), std_images (of the
        means per image, ddof 1), n (pairs, or images). Set metrics have their value as ``mean`` and no std.
        Undefined cells are absent from both, and so are, without a warning, metrics of requested colours
        where none is.

    Raises:
        ValueError: If there are no samples or no photos, the manifest does not name the images, samples and
            photos differ in size, or the cut-outs are not those of the photos.
    """
    comparison = _compare(samples, photos, networks, batch, model, cut_outs)
    pairs, scores = [], []
    for metric in counted(in_order(metrics), "metrics", "metric"):
        for prompt_set, values in comparison.cells(metric).items():
            if values is None or not np.isfinite(values).all():
                cell = f"{subject}.{method}, {prompt_set}, {metric.name}"
                log.warning("%s: undefined here, so the cell is left out", cell)
                continue
            key = {"prompt_set": prompt_set, "subject": subject, "method": method, "metric": metric.name}
            scores.append(key | summarise(metric, values, len(comparison.rows[prompt_set])))
            if metric.kind != "set":
                pairs.append(comparison.pairs(metric, prompt_set, values))
    table = pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=PAIR_COLUMNS)
    return table, pd.DataFrame(scores, columns=SCORE_COLUMNS)


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


@dataclass(frozen=True)
class _Comparison:
    """Generated images against photos.

    Attributes:
        generated: Features of all generated images.
        real: Features of the photos.
        manifest: A row for each generated image; its ``colour`` is empty where none is requested.
        photos: Names of the photos.
        on_colours: Colour to features of the true cut-outs on it.
        model: For ``clip_t_paper``.
    """

    generated: ImageFeatures
    real: ImageFeatures
    manifest: list[dict[str, Any]]
    photos: list[str]
    on_colours: dict[str, ImageFeatures]
    model: PromptEncoder | None

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """Returns prompt set to the positions of its images."""
        rows: dict[str, list[int]] = {}
        for position, row in enumerate(self.manifest):
            rows.setdefault(row["prompt_set"], []).append(position)
        return rows

    def column(self, name: str, rows: Iterable[int] | None = None) -> list[str]:
        """Returns a column of the manifest, of all images or of some."""
        return [self.manifest[row][name] for row in (range(len(self.manifest)) if rows is None else rows)]

    def cells(self, metric: Metric) -> dict[str, np.ndarray | None]:
        """Returns one metric's float64 values of each prompt set (see :func:`summarise`); None: undefined."""
        if metric.kind == "set":
            return {prompt_set: self._set_value(metric, rows) for prompt_set, rows in self.rows.items()}
        if metric.requested_colour:
            requested = {name: rows for name, rows in self.rows.items() if all(self.column("colour", rows))}
            return {prompt_set: self._on_requested(metric, rows) for prompt_set, rows in requested.items()}
        values = self._values(metric)
        if values is None:
            return dict.fromkeys(self.rows)
        # One row per image; metrics of one image have one column.
        matrix = values.double().numpy().reshape(len(self.manifest), -1)
        return {prompt_set: matrix[rows] for prompt_set, rows in self.rows.items()}

    def pairs(self, metric: Metric, prompt_set: str, values: np.ndarray) -> pd.DataFrame:
        """Returns one row per value of a cell."""
        rows = self.rows[prompt_set]
        photos = self.photos if metric.kind == "pairwise" else [""]
        return pd.DataFrame(
            {
                "prompt_set": prompt_set,
                "image": np.repeat(self.column("name", rows), len(photos)),
                "colour": np.repeat(self.column("colour", rows), len(photos)),
                "photo": np.tile(photos, len(rows)),
                "metric": metric.name,
                "value": values.ravel(),
            }
        )

    def _values(self, metric: Metric) -> Tensor | None:
        """Takes a metric of pairs or of single images over all generated images at once."""
        generated, network = self.generated, metric.network
        if metric.formula == "clip_t":
            clip = getattr(generated.networks, network)
            return clip_t_of_embeddings(generated.embeddings(network), self.column("noun_prompt"), clip)
        if metric.formula == "clip_t_paper":
            if self.model is None:
                return None
            prompts = self.column("prompt")
            return clip_t_paper_of_embeddings(generated.embeddings(network), prompts, self.model)
        return pairwise(metric, generated, self.real, range(len(self.manifest)))

    def _on_requested(self, metric: Metric, rows: list[int]) -> np.ndarray | None:
        """Takes a metric of requested colours: each image against the cut-outs on its own colour."""
        colours = self.column("colour", rows)
        if metric.kind == "per_image":
            return background_obeyed(self.generated.images[rows], colours)[:, None]
        if not self.on_colours:
            return None
        values = np.empty((len(rows), len(self.photos)))
        for colour, references in self.on_colours.items():
            own = [k for k, each in enumerate(colours) if each == colour]
            if own:
                values[own] = pairwise(metric, self.generated, references, [rows[k] for k in own])
        return values

    def _set_value(self, metric: Metric, rows: list[int]) -> np.ndarray | None:
        """Takes a set metric of some of the generated images, as a 1 × 1 array."""
        if min(len(rows), len(self.photos)) < SMALLEST_SET:
            return None
        distance = SET_DISTANCES[metric.formula]
        return np.array([[distance(self.generated.frechet.rows(rows), self.real.frechet)]])


def _compare(
    samples: ImageSet,
    photos: ImageSet,
    networks: MetricNetworks,
    batch: int,
    model: PromptEncoder | None,
    cut_outs: CutOuts | None,
) -> _Comparison:
    """Brings images and manifest together; photos are sorted by name, so their order changes no bit."""
    manifest = {row["name"]: row for row in samples.manifest}
    images, photo_names = list(samples.images), sorted(photos.images)
    if not images or not photo_names:
        raise ValueError(f"nothing to evaluate: {len(images)} samples, {len(photo_names)} photos")
    if nameless := [name for name in images if name not in manifest]:
        raise ValueError(f"the samples' manifest has no row for: {', '.join(nameless)}")
    generated, real = samples.stack(images), photos.stack(photo_names)
    if generated.shape[1:] != real.shape[1:]:
        sizes = f"samples of {generated.shape[1:]}, photos of {real.shape[1:]}"
        raise ValueError(f"{sizes}: sizes must agree")
    if cut_outs is not None and (cut_outs.names != photo_names or cut_outs.foregrounds.shape != real.shape):
        raise ValueError(
            f"cut-outs of {', '.join(cut_outs.names)} are not the photos', {', '.join(photo_names)}"
        )
    rows = [manifest[name] | {"colour": manifest[name].get("colour") or ""} for name in images]
    colours = sorted({row["colour"] for row in rows} - {""})
    return _Comparison(
        generated=ImageFeatures(generated, networks, batch),
        real=ImageFeatures(real, networks, batch),
        manifest=rows,
        photos=photo_names,
        on_colours={name: ImageFeatures(cut_outs.on(name), networks, batch) for name in colours if cut_outs},
        model=model,
    )
