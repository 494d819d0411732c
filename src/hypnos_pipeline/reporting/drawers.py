"""What a click on a value of a page opens: its best and worst images, and the command that traces it.

A subject's part of the pages holds the images (:func:`worst_and_best`). A page holds all of it as JSON, of
which its script makes the drawer (:func:`drawers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.cells import CellKey, rows_of
from hypnos_pipeline.reporting.labels import MethodLabel, subject_label
from hypnos_pipeline.reporting.pages import thumbnail
from hypnos_pipeline.reporting.paper_values import TABLE_OF_PROMPT_SET
from hypnos_pipeline.reporting.tables import number

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.metrics.foreground import CutOuts

EXTREMES = 3
"""Images at each end of a cell; three fit side by side on a phone."""
SIDE = 96
"""Pixels of a picture's longer side."""
DEFAULT_ENVIRONMENT = "mini"
"""The one that ``kedro cell`` takes where none is named."""


def trace_command(key: CellKey, env: str) -> str:
    """Returns the command that traces a cell from the raw photos."""
    prompt_set, subject, method, metric = key
    table = TABLE_OF_PROMPT_SET.get(prompt_set)
    where = f"--table {table}" if table else f"--prompt-set {prompt_set}"
    command = f"kedro cell trace {where} --subject {subject} --method {method} --metric {metric}"
    return command if env == DEFAULT_ENVIRONMENT else f"{command} --env {env}"


def anchor(keys: Sequence[CellKey]) -> str:
    """Returns the address on the page of a cell, or of the cells that make a difference."""
    return "--".join(".".join(key) for key in keys)


def extremes(pairs: pandas.DataFrame) -> list[dict[str, Any]]:
    """Finds the best and the worst images of one subject's and method's every prompt set and metric.

    Args:
        pairs: Columns ``prompt_set, image, photo`` (empty for metrics of one image), ``metric, colour``
            (empty where none was requested), ``value``; of several photos the one at which the image is most
            extreme counts.

    Returns:
        One entry per prompt set and metric, in the frame's order: ``best`` and ``worst``, most extreme
        first, each a list of ``image``, ``photo``, ``colour`` and ``value``. Where no direction is better,
        the highest values are called best. Ties go by name, undefined values are left out.
    """
    entries = []
    for (prompt_set, metric), group in pairs[pairs["value"].notna()].groupby(
        ["prompt_set", "metric"], sort=False
    ):
        ascending = METRICS[str(metric)].higher_is_better is False
        ends = {"best": _first(group, ascending), "worst": _first(group, not ascending)}
        entries.append({"prompt_set": prompt_set, "metric": metric, **ends})
    return entries


def worst_and_best(
    photos: ImageSet,
    cut_outs: CutOuts,
    samples: Mapping[str, ImageSet],
    pairs: Mapping[str, pandas.DataFrame],
) -> dict[str, Any]:
    """Returns one subject's extremes with their pictures, ready for JSON.

    Args:
        photos: The subject's working photos.
        cut_outs: Their true foregrounds.
        samples: Method to its images, whose manifest has their prompts.
        pairs: Method to its values of single pairs.

    Returns:
        ``extremes`` (as :func:`extremes`, with ``method``, and in each pair ``against``: the picture it was
        compared with, empty if none), ``prompts`` (image to prompt) and ``pictures`` (``photo/<name>``,
        ``cut-out/<photo>/<colour>`` or ``<method>/<name>`` to a data address), of those images alone that
        are an extreme.

    Raises:
        KeyError: If pairs name an image or a photo that is not there.
    """
    found = [{"method": method, **entry} for method, frame in pairs.items() for entry in extremes(frame)]
    prompts: dict[str, str] = {}
    pictures: dict[str, str] = {}
    for entry in found:
        on_colour = METRICS[entry["metric"]].requested_colour
        for pair in (*entry["best"], *entry["worst"]):
            key = f"{entry['method']}/{pair['image']}"
            images = samples[entry["method"]]
            if key not in pictures:
                pictures[key] = thumbnail(images.images[pair["image"]], SIDE)
                prompts[key] = images.rows(name=pair["image"])[0]["prompt"]
            photo, colour = pair["photo"], pair["colour"]
            against = f"cut-out/{photo}/{colour}" if on_colour else f"photo/{photo}"
            pair["against"] = against if photo else ""
            if photo and against not in pictures:
                compared = _on_colour(cut_outs, colour) if on_colour else photos.images
                pictures[against] = thumbnail(compared[photo], SIDE)
    return {"extremes": found, "prompts": prompts, "pictures": pictures}


def drawers(
    cells: Mapping[CellKey, Any],
    methods: Sequence[MethodLabel],
    subjects: Mapping[str, Mapping[str, Any]],
    env: str,
) -> dict[str, Any]:
    """Returns what the page's script makes its drawers of, ready for JSON.

    Args:
        cells: Every cell's row of the study.
        methods: Of the study.
        subjects: Subject to its part of the page.
        env: The study's environment, for the commands.

    Returns:
        ``pictures`` (``<subject>/<name>`` to a data address), ``prompts`` (likewise to an image's prompt) and
        ``cells`` (see :func:`anchor`) to ``title``, ``command``, ``of_all`` (whether no single image has
        such a value) and ``ends``: heading and pairs of image, picture it was compared with, and value.
    """
    labels = {method.name: method.label for method in methods}
    ends = {
        CellKey(entry["prompt_set"], subject, entry["method"], entry["metric"]): entry
        for subject, part in subjects.items()
        for entry in part["extremes"]
    }

    def named(kind: str) -> dict[str, str]:
        return {
            f"{subject}/{name}": text
            for subject, part in subjects.items()
            for name, text in part[kind].items()
        }

    return {
        "pictures": named("pictures"),
        "prompts": named("prompts"),
        "cells": {
            anchor([key]): {
                "title": _title(key, row.mean, labels[key.method]),
                "command": trace_command(key, env),
                "ends": _ends(key, ends[key]) if key in ends else [],
                "of_all": METRICS[key.metric].kind == "set",
            }
            for key, row in cells.items()
            if key.subject in subjects
        },
    }


def _title(key: CellKey, mean: float, method: str) -> str:
    metric = METRICS[key.metric]
    value = f"{metric.label} {number(mean, metric.decimals)}"
    return f"{value}: {method}, {subject_label(key.subject)}, {key.prompt_set}"


def _ends(key: CellKey, entry: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    metric = METRICS[key.metric]
    headings = ("Highest", "Lowest") if metric.higher_is_better is None else ("Best", "Worst")
    return [
        (
            heading,
            [
                (f"{key.method}/{pair['image']}", pair["against"], number(pair["value"], metric.decimals))
                for pair in entry[end]
            ],
        )
        for heading, end in zip(headings, ("best", "worst"), strict=True)
    ]


def _on_colour(cut_outs: CutOuts, colour: str) -> dict[str, np.ndarray]:
    return dict(zip(cut_outs.names, cut_outs.on(colour), strict=True))


def _first(group: pandas.DataFrame, ascending: bool) -> list[dict[str, Any]]:
    """Returns the first images by value, each once."""
    ordered = group.sort_values(["value", "image", "photo"], ascending=[ascending, True, True])
    chosen: Iterable[Any] = rows_of(ordered.drop_duplicates("image").head(EXTREMES))
    return [
        {"image": row.image, "photo": row.photo, "colour": row.colour, "value": float(row.value)}
        for row in chosen
    ]
