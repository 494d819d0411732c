"""What one subject gives to the study's page: its figures, and the extremes of every cell, as JSON.

Nothing but this leaves the subject for the page, so the page need not read any method's images itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.pages import picture_source

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from PIL import Image

    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.metrics.foreground import CutOuts

EXTREMES = 3
"""Images at each end of a cell; three fit side by side on a phone."""
THUMBNAIL = 96
"""Pixels of a small picture's longer side."""
QUALITY = 90
"""JPEG's; small pictures are for finding an image, not for judging single pixels."""


class Group(StrEnum):
    """The headings under which a subject's figures stand."""

    COMPARISON = "Comparison"
    ABLATIONS = "Ablations"
    FIRST_SAMPLES = "First samples"
    FLAGGED_FAILURES = "Flagged failures"
    LEARNING_CURVES = "Learning curves"
    ATTENTION = "Discriminator attention"
    WHILE_TRAINING = "While training"
    CONTACT_SHEETS = "Contact sheets"


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
        ascending = METRICS[metric].higher_is_better is False
        ends = {"best": _first(group, ascending), "worst": _first(group, not ascending)}
        entries.append({"prompt_set": prompt_set, "metric": metric, **ends})
    return entries


def subject_figures(
    photos: ImageSet,
    cut_outs: CutOuts,
    samples: Mapping[str, ImageSet],
    pairs: Mapping[str, pandas.DataFrame],
    figures: Iterable[tuple[Group, str, Image.Image]],
    checks: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Returns one subject's part of the study's page, ready for JSON.

    Args:
        photos: The subject's working photos.
        cut_outs: Their true foregrounds.
        samples: Method to its images, whose manifest has their prompts.
        pairs: Method to its values of single pairs.
        figures: Group, caption and picture of each figure in the page's order.
        checks: Rows of ``imaging.constant_backgrounds.beside_base``.

    Returns:
        ``figures`` (``group, caption, source``), ``checks``, ``extremes`` (as ``extremes``, with ``method``,
        and in each pair ``against``: the picture it was compared with, empty if none), ``prompts`` (image to
        prompt) and ``pictures`` (``photo/<name>``, ``cut-out/<photo>/<colour>`` or ``<method>/<name>`` to a
        data address), of those images alone that are an extreme.

    Raises:
        KeyError: If pairs name an image or a photo that is not there.
    """
    found = [{"method": method, **entry} for method, frame in pairs.items() for entry in extremes(frame)]
    prompts: dict[str, str] = {}
    pictures: dict[str, str] = {}
    for entry in found:
        method = entry["method"]
        for pair in (*entry["best"], *entry["worst"]):
            key = f"{method}/{pair['image']}"
            if key not in pictures:
                pictures[key] = _thumbnail(samples[method].images[pair["image"]])
                prompts[key] = samples[method].rows(name=pair["image"])[0]["prompt"]
            photo, colour, on_colour = (
                pair["photo"],
                pair["colour"],
                METRICS[entry["metric"]].requested_colour,
            )
            against = f"cut-out/{photo}/{colour}" if on_colour else f"photo/{photo}"
            pair["against"] = against if photo else ""
            if photo and against not in pictures:
                compared = _on_colour(cut_outs, colour) if on_colour else photos.images
                pictures[against] = _thumbnail(compared[photo])
    drawn = [
        {"group": group, "caption": caption, "source": picture_source(picture)}
        for group, caption, picture in figures
    ]
    shown = {"figures": drawn, "checks": [dict(row) for row in checks]}
    return {**shown, "extremes": found, "prompts": prompts, "pictures": pictures}


def _on_colour(cut_outs: CutOuts, colour: str) -> dict[str, np.ndarray]:
    return dict(zip(cut_outs.names, cut_outs.on(colour), strict=True))


def _first(group: pandas.DataFrame, ascending: bool) -> list[dict[str, Any]]:
    """Returns the first images by value, each once."""
    ordered = group.sort_values(["value", "image", "photo"], ascending=[ascending, True, True])
    chosen = ordered.drop_duplicates("image").head(EXTREMES)
    return [
        {"image": row.image, "photo": row.photo, "colour": row.colour, "value": float(row.value)}
        for row in chosen.itertuples(index=False)
    ]


def _thumbnail(image: np.ndarray) -> str:
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    return picture_source(picture, "JPEG", quality=QUALITY)
