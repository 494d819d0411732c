"""What one subject gives to the study's page: its figures, and the extremes of every cell, as JSON.

Nothing but this leaves the subject for the page, so the page need not read any method's images itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.reporting.subject_page import picture_source

if TYPE_CHECKING:
    import pandas
    from PIL import Image

    from hypnos_pipeline.imaging.image_set import ImageSet

EXTREMES = 3
"""Images at each end of a cell; three fit side by side on a phone."""
THUMBNAIL = 96
"""Pixels of a small picture's longer side."""
QUALITY = 90
"""JPEG's; small pictures are for finding an image, not for judging single pixels."""


def extremes(pairs: pandas.DataFrame) -> list[dict[str, Any]]:
    """Finds the best and the worst images of one subject's and method's every prompt set and metric.

    Args:
        pairs: Columns ``prompt_set, image, photo`` (empty for metrics of one image), ``metric, value``; of
            several photos the one at which the image is most extreme counts.

    Returns:
        One entry per prompt set and metric, in the frame's order: ``best`` and ``worst``, most extreme
        first, each a list of ``image``, ``photo`` and ``value``. Where no direction is better, the highest
        values are called best. Ties go by name, undefined values are left out.
    """
    entries = []
    for (prompt_set, metric), group in pairs[pairs["value"].notna()].groupby(
        ["prompt_set", "metric"], sort=False
    ):
        ascending = METRICS[metric].higher_is_better is False
        entries.append(
            {
                "prompt_set": prompt_set,
                "metric": metric,
                "best": _first(group, ascending),
                "worst": _first(group, not ascending),
            }
        )
    return entries


def subject_figures(
    photos: ImageSet,
    samples: Mapping[str, ImageSet],
    pairs: Mapping[str, pandas.DataFrame],
    figures: Iterable[tuple[str, str, Image.Image]],
) -> dict[str, Any]:
    """Returns one subject's part of the study's page, ready for JSON.

    Args:
        photos: The subject's working photos.
        samples: Method to its images, whose manifest has their prompts.
        pairs: Method to its values of single pairs.
        figures: Group, caption and picture of each figure in the page's order.

    Returns:
        ``figures`` (``group, caption, source``), ``extremes`` (as ``extremes``, and ``method``),
        ``prompts`` (image to prompt) and ``pictures`` (``photo/<name>`` or ``<method>/<name>`` to a data
        address), of those images alone that are an extreme.

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
            if pair["photo"] and f"photo/{pair['photo']}" not in pictures:
                pictures[f"photo/{pair['photo']}"] = _thumbnail(photos.images[pair["photo"]])
    drawn = [
        {"group": group, "caption": caption, "source": picture_source(picture)}
        for group, caption, picture in figures
    ]
    return {"figures": drawn, "extremes": found, "prompts": prompts, "pictures": pictures}


def _first(group: pandas.DataFrame, ascending: bool) -> list[dict[str, Any]]:
    """Returns the first images by value, each once."""
    ordered = group.sort_values(["value", "image", "photo"], ascending=[ascending, True, True])
    chosen = ordered.drop_duplicates("image").head(EXTREMES)
    return [
        {"image": row.image, "photo": row.photo, "value": float(row.value)}
        for row in chosen.itertuples(index=False)
    ]


def _thumbnail(image: Any) -> str:
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    return picture_source(picture, "JPEG", quality=QUALITY)
