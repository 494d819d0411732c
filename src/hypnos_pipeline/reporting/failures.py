"""Flagged failures, each with why it was flagged (paper Fig. 8, 0.F): mattes, backgrounds, likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hypnos_pipeline.imaging.constant_backgrounds import BLANK_BELOW, Backgrounds, background_spreads
from hypnos_pipeline.metrics.registry import METRICS, Metric
from hypnos_pipeline.reporting.captioned import CaptionedSection
from hypnos_pipeline.reporting.tables import number

if TYPE_CHECKING:
    import pandas

    from hypnos_pipeline.imaging.image_set import ImageSet

NONE = "None flagged."
MOST = 24
"""Images that a section shows, beside the number of those that there are."""
KEYED = (255, 0, 255)  # nothing in a photo looks like it, so what a matte cuts off is seen
DIM = 0.65


def flagged_failures(
    photos: ImageSet,
    mattes: ImageSet,
    matte_report: Sequence[Mapping[str, Any]],
    samples: Mapping[str, ImageSet],
    checks: Mapping[str, Mapping[str, Mapping[str, Any]]],
    pairs: Mapping[str, pandas.DataFrame],
) -> list[CaptionedSection]:
    """Returns what the study's own checks flag of one subject; a check that flags nothing has a notice.

    Args:
        photos: The subject's working photos.
        mattes: Theirs.
        matte_report: Rows of ``imaging.mattes.guards.matte_row``, and one without problems of each excluded
            photo.
        samples: Printed method label to its images.
        checks: Label to prompt set of scenes to ``imaging.constant_backgrounds.background_report``.
        pairs: Label to its values of single pairs.
    """
    return [
        _mattes(photos, mattes, matte_report),
        _blank(samples, checks),
        _constant(samples, checks),
        _unlike(samples, pairs),
    ]


def _mattes(photos: ImageSet, mattes: ImageSet, report: Sequence[Mapping[str, Any]]) -> CaptionedSection:
    images = []
    for row in report:
        if row["problems"]:
            name = row["photo"]
            found = "; ".join(problem["what"] for problem in row["problems"])
            images.append((_keyed(photos.images[name], mattes.images[name]), f"{name}: {found}"))
    return _section("Mattes that the guards flag (what is cut away in magenta)", images)


def _blank(samples: Mapping[str, ImageSet], checks: Mapping[str, Mapping[str, Any]]) -> CaptionedSection:
    images = []
    for label, sets in checks.items():
        for prompt_set in sets:
            rows = samples[label].rows(prompt_set=prompt_set)
            spreads = background_spreads(samples[label].stack([row["name"] for row in rows]))
            images += [
                (samples[label].images[row["name"]], f"{label}: ΔE {spread:.1f}; {row['prompt']}")
                for row, spread in zip(rows, spreads, strict=True)
                if spread < BLANK_BELOW
            ]
    title = f"Blank backgrounds under prompts that request a scene (border's spread below ΔE {BLANK_BELOW:g})"
    return _section(title, images)


def _constant(samples: Mapping[str, ImageSet], checks: Mapping[str, Mapping[str, Any]]) -> CaptionedSection:
    images = []
    for label, sets in checks.items():
        for prompt_set, report in sets.items():
            measured = Backgrounds(*(report[name] for name in ("images", "spread", "blank", "change")))
            if measured.constant:
                row = samples[label].rows(prompt_set=prompt_set)[0]
                images.append(
                    (samples[label].images[row["name"]], f"{label}, {prompt_set}: ΔE {measured.change}")
                )
    return _section("Sets whose backgrounds stay the same whatever is requested (first image)", images)


def _unlike(samples: Mapping[str, ImageSet], pairs: Mapping[str, pandas.DataFrame]) -> CaptionedSection:
    """Shows each method's image least like the photos; one always is, so this is no flag by itself."""
    images = []
    metric = _similarity(pairs)
    for label, frame in pairs.items() if metric else ():
        rows = frame[(frame["metric"] == metric.name) & (frame["prompt_set"] == "invariant")]
        if len(rows):
            means = rows.groupby("image")["value"].mean()
            worst, value = str(means.idxmin()), number(float(means.min()), metric.decimals)
            images.append((samples[label].images[worst], f"{label}: {metric.label} {value}, {worst}"))
    return _section("Least like the photos: each method's lowest when the subject alone is named", images)


def _similarity(pairs: Mapping[str, pandas.DataFrame]) -> Metric | None:
    """Returns the first measured similarity to the photos, in tables' order; None if there is none."""
    measured = {name for frame in pairs.values() for name in frame["metric"]}
    alike = [m for m in METRICS.values() if m.kind == "pairwise" and m.higher_is_better]
    return next((m for m in alike if not m.requested_colour and m.name in measured), None)


def _section(title: str, images: list[tuple[np.ndarray, str]]) -> CaptionedSection:
    more = f"{MOST} of {len(images)}." if len(images) > MOST else ""
    return CaptionedSection(title, more if images else NONE, images[:MOST])


def _keyed(photo: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """Returns a photo whose cut away part is dyed."""
    away = (1.0 - matte.astype(np.float64) / 255.0)[..., None] * DIM
    return np.rint(photo * (1.0 - away) + np.array(KEYED) * away).astype(np.uint8)
