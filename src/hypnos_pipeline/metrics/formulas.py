"""How every metric is taken of a comparison's images, by its formula's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from hypnos_pipeline.metrics.background_leak import background_leak
from hypnos_pipeline.metrics.background_obeyed import background_obeyed
from hypnos_pipeline.metrics.clip_t import clip_t_of_embeddings
from hypnos_pipeline.metrics.clip_t_paper import clip_t_paper_of_embeddings
from hypnos_pipeline.metrics.comparison import Comparison, Values
from hypnos_pipeline.metrics.copying import copying
from hypnos_pipeline.metrics.disentangled import disentangled
from hypnos_pipeline.metrics.diversity import diversity
from hypnos_pipeline.metrics.fid import fid_64_of_features, fid_of_features
from hypnos_pipeline.metrics.grain import grain
from hypnos_pipeline.metrics.kid import kid_of_features
from hypnos_pipeline.metrics.pairwise import pairwise
from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.metrics.scene_obeyed import scene_obeyed
from hypnos_pipeline.metrics.unseen_dino import unseen_dino_of_embeddings

SMALLEST_SET = 2
"""A covariance, or an unbiased kernel estimate, needs two images on each side."""
SET_DISTANCES = {"fid": fid_of_features, "fid_64": fid_64_of_features, "kid": kid_of_features}

Formula = Callable[[Comparison, Metric, Sequence[int]], "Tensor | np.ndarray | None"]
"""From images' positions to a row of values each; None where the metric cannot be taken of any."""


def values_by_prompt_set(comparison: Comparison, metric: Metric) -> Mapping[str, Values | None]:
    """Takes one metric of all images that it is defined on.

    Returns:
        Prompt set to its cell; None where it turned out to be undefined. Those that the metric is not
        defined on are absent, and so are those of a ``partial`` metric that no image has a value of.
    """
    defined = comparison.defined_on(metric)
    if metric.kind == "set":
        return {name: _set_value(comparison, metric, rows) for name, rows in defined.items()}
    rows = sorted(row for own in defined.values() for row in own)
    if not rows:
        return {}
    values = _formula(metric)(comparison, metric, rows)
    if values is None:
        return dict.fromkeys(defined)
    if isinstance(values, Tensor):
        values = values.double().numpy()
    # One row for each image; metrics of one image have one column.
    by_row = dict(zip(rows, values.reshape(len(rows), -1), strict=True))
    found = {}
    for prompt_set, own in defined.items():
        if metric.partial:
            own = [row for row in own if np.isfinite(by_row[row]).all()]
        if own:
            found[prompt_set] = Values(own, np.stack([by_row[row] for row in own]))
    return found


def _formula(metric: Metric) -> Formula:
    if metric.kind == "pairwise":
        return _with_cut_outs if metric.requested_colour else _with_photos
    return OF_ONE_IMAGE[metric.formula]


def _set_value(comparison: Comparison, metric: Metric, rows: list[int]) -> Values | None:
    if min(len(rows), len(comparison.photos)) < SMALLEST_SET:
        return None
    distance = SET_DISTANCES[metric.formula]
    value = distance(comparison.generated.frechet.rows(rows), comparison.real.frechet)
    return Values(rows, np.array([[value]]))


def _with_photos(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> Tensor:
    return comparison.with_photos(metric)[list(rows)]


def _with_cut_outs(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> np.ndarray:
    """Compares each image with the true cut-outs on its own colour."""
    colours = comparison.column("colour", rows)
    values = np.empty((len(rows), len(comparison.photos)))
    for colour, references in comparison.on_colours.items():
        own = [k for k, each in enumerate(colours) if each == colour]
        if own:
            values[own] = pairwise(metric, comparison.generated, references, [rows[k] for k in own])
    return values


def _clip_t(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> Tensor:
    generated = comparison.generated
    clip = getattr(generated.networks, metric.network)
    embeddings = generated.embeddings(metric.network)[list(rows)]
    return clip_t_of_embeddings(embeddings, comparison.column("noun_prompt", rows), clip)


def _clip_t_paper(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> Tensor | None:
    if comparison.model is None:
        return None
    embeddings = comparison.generated.embeddings(metric.network)[list(rows)]
    return clip_t_paper_of_embeddings(embeddings, comparison.column("prompt", rows), comparison.model)


def _background_obeyed(comparison: Comparison, _: Metric, rows: Sequence[int]) -> np.ndarray:
    return background_obeyed(comparison.generated.images[list(rows)], comparison.column("colour", rows))


def _background_leak(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> np.ndarray:
    elsewhere = comparison.other_places
    assert elsewhere is not None
    network = getattr(comparison.generated.networks, metric.network)
    return background_leak(
        *comparison.cut_samples(rows), *comparison.cut_photos, elsewhere.images, elsewhere.mattes, network
    )


def _scene_obeyed(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> np.ndarray:
    """Takes each prompt set by itself: its own scenes are the candidates."""
    values, network = np.full(len(rows), np.nan), getattr(comparison.generated.networks, metric.network)
    of_sets = comparison.column("prompt_set", rows)
    for prompt_set in dict.fromkeys(of_sets):
        places = [k for k, each in enumerate(of_sets) if each == prompt_set]
        own = [rows[k] for k in places]
        scenes = comparison.column("scene", own)
        found, obeyed = scene_obeyed(*comparison.cut_samples(own), scenes, *comparison.cut_photos, network)
        values[[places[k] for k in found]] = obeyed
    return values


def _disentangled(comparison: Comparison, _: Metric, rows: Sequence[int]) -> np.ndarray:
    of_objects = [colours or [] for colours in comparison.column("object_colours", rows)]
    return disentangled(*comparison.cut_samples(rows), of_objects, comparison.column("scene_colour", rows))


def _grain(comparison: Comparison, _: Metric, rows: Sequence[int]) -> np.ndarray:
    return grain(comparison.generated.images[list(rows)], comparison.real.images)


def _unseen_dino(comparison: Comparison, metric: Metric, rows: Sequence[int]) -> Tensor:
    assert comparison.unseen is not None
    generated = comparison.generated.embeddings(metric.network)[list(rows)]
    return unseen_dino_of_embeddings(generated, comparison.unseen.embeddings(metric.network))


def _diversity(comparison: Comparison, _: Metric, rows: Sequence[int]) -> np.ndarray:
    generated, networks = comparison.generated, comparison.generated.networks
    assert networks.lpips is not None
    # Two prompt sets may share a prompt; their images are not compared.
    prompts = [
        f"{comparison.manifest[row]['prompt_set']}: {comparison.manifest[row]['prompt']}" for row in rows
    ]
    return diversity(generated.images[list(rows)], prompts, networks.lpips, comparison.batch, networks.device)


def _copying(comparison: Comparison, _: Metric, rows: Sequence[int]) -> Tensor:
    return copying(comparison.with_photos(METRICS["lpips"])[list(rows)])


OF_ONE_IMAGE: dict[str, Formula] = {
    "clip_t": _clip_t,
    "clip_t_paper": _clip_t_paper,
    "background_obeyed": _background_obeyed,
    "background_leak": _background_leak,
    "scene_obeyed": _scene_obeyed,
    "disentangled": _disentangled,
    "grain": _grain,
    "unseen_dino": _unseen_dino,
    "diversity": _diversity,
    "copying": _copying,
}
"""The formulas of metrics of one image."""
