"""Generated images, and what is known of the subject that they are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.metrics.background_leak import NEIGHBOURS
from hypnos_pipeline.metrics.cut_out import OtherPlaces
from hypnos_pipeline.metrics.features import ImageFeatures, MetricNetworks
from hypnos_pipeline.metrics.foreground import CutOuts
from hypnos_pipeline.metrics.pairwise import pairwise
from hypnos_pipeline.metrics.registry import Metric

if TYPE_CHECKING:
    from torch import Tensor

    from hypnos_pipeline.models.prompt_encoder import PromptEncoder


class Values(NamedTuple):
    """One cell.

    Attributes:
        rows: Positions of its images.
        matrix: Rows × photos, rows × 1 for metrics of one image, 1 × 1 for set metrics; float64.
    """

    rows: list[int]
    matrix: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Generated images against photos, and against what else is known of the subject.

    Attributes:
        generated: Features of all generated images.
        real: Features of the photos.
        manifest: A row for each generated image; its ``colour`` is empty where none is requested.
        photos: Names of the photos.
        batch: Images that go through a network at a time.
        cut_outs: The photos' true foregrounds, if they are given.
        on_colours: Colour to features of the true cut-outs on it.
        sample_mattes: A matte of each generated image, N×S×S float32 in [0, 1], if samples are cut out.
        other_places: Images of the class elsewhere, likewise.
        unseen: Features of the unseen views, if there are any.
        model: For ``clip_t_paper``.
    """

    generated: ImageFeatures
    real: ImageFeatures
    manifest: list[dict[str, Any]]
    photos: list[str]
    batch: int
    cut_outs: CutOuts | None
    on_colours: dict[str, ImageFeatures]
    sample_mattes: np.ndarray | None
    other_places: OtherPlaces | None
    unseen: ImageFeatures | None
    model: PromptEncoder | None
    _kept: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def rows(self) -> dict[str, list[int]]:
        """Returns prompt set to the positions of its images."""
        rows: dict[str, list[int]] = {}
        for position, row in enumerate(self.manifest):
            rows.setdefault(row["prompt_set"], []).append(position)
        return rows

    def column(self, name: str, rows: Iterable[int]) -> list[Any]:
        """Returns a column of the manifest; None of an image that has no such entry."""
        return [self.manifest[row].get(name) for row in rows]

    def defined_on(self, metric: Metric) -> dict[str, list[int]]:
        """Returns prompt set to the positions of the images that the metric is defined of, if any."""
        has = {
            "true_cut_outs": self.cut_outs is not None,
            "sample_mattes": self.sample_mattes is not None,
            "other_places": self.other_places is not None and len(self.other_places.images) > NEIGHBOURS,
            "unseen": self.unseen is not None,
        }
        if not all(has[name] for name in metric.reads):
            return {}
        if not metric.requests:
            return self.rows
        requested = {
            prompt_set: [row for row in rows if any(map(self.manifest[row].get, metric.requests))]
            for prompt_set, rows in self.rows.items()
        }
        return {prompt_set: rows for prompt_set, rows in requested.items() if rows}

    def cut_samples(self, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Returns some generated images and their mattes."""
        assert self.sample_mattes is not None
        return self.generated.images[list(rows)], self.sample_mattes[list(rows)]

    @property
    def cut_photos(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the photos and their true mattes, M×S×S float32."""
        assert self.cut_outs is not None
        return self.real.images, self.cut_outs.mattes.astype(np.float32) / 255

    def with_photos(self, metric: Metric) -> Tensor:
        """Returns a metric of all generated images with each photo, taken once: images × photos."""
        if metric.name not in self._kept:
            self._kept[metric.name] = pairwise(metric, self.generated, self.real, range(len(self.manifest)))
        return self._kept[metric.name]


def compare(
    samples: ImageSet,
    photos: ImageSet,
    networks: MetricNetworks,
    batch: int,
    model: PromptEncoder | None,
    cut_outs: CutOuts | None,
    sample_mattes: Mapping[str, np.ndarray] | None,
    other_places: OtherPlaces | None,
    unseen: ImageSet | None,
) -> Comparison:
    """Brings images and manifest together; photos are sorted by name, so their order changes no bit.

    See ``evaluate.evaluate_samples`` for the arguments and for what is refused.
    """
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

    def features(pixels: np.ndarray) -> ImageFeatures:
        return ImageFeatures(pixels, networks, batch)

    return Comparison(
        generated=features(generated),
        real=features(real),
        manifest=rows,
        photos=photo_names,
        batch=batch,
        cut_outs=cut_outs,
        on_colours={name: features(cut_outs.on(name)) for name in colours if cut_outs},
        sample_mattes=None if sample_mattes is None else np.stack([sample_mattes[name] for name in images]),
        other_places=other_places,
        unseen=features(unseen.stack(sorted(unseen.images))) if unseen and unseen.images else None,
        model=model,
    )
