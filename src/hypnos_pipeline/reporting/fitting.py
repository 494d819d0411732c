"""What of the subjects' parts a page has room for, so that it stays below 8 MB and opens at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypnos_pipeline.reporting.headline import HEADLINE

ROOM = 5_000_000
"""Bytes of all subjects' parts together, at the most."""
ALL_ROOM = 7_000_000
"""Bytes of these and the page's other pictures; with tables and charts a page stays below 8 MB."""
APIECE = 20_000
"""What each of many subjects' card and metrics need of it."""

Part = dict[str, Any]


def fitted(
    parts: Mapping[str, Mapping[str, Any]], alone: bool, others: int = 0
) -> tuple[dict[str, Part], bool]:
    """Returns the parts as a page has room for them, and whether the rest is left to the subjects' pages.

    Where all do not fit, the images behind single values go first, but for the headline's. Where the rest
    does not fit either, each subject keeps its health, and as many photos and prompts as its share holds.

    Args:
        parts: Subject to its part.
        alone: Whether it is a subject's own page, to which nothing can be left.
        others: Bytes of the page's other pictures.
    """
    whole = {name: dict(part) for name, part in parts.items()}
    left = ALL_ROOM - others
    if _size(whole) <= min(ROOM, left):
        return whole, False
    headline = {name: _headline_images(part) for name, part in whole.items()}
    if alone or _size(headline) <= min(ROOM, left):
        return headline, False
    room = left // len(parts) - APIECE
    return {name: _brief(part, room) for name, part in whole.items()}, True


def _headline_images(part: Part) -> Part:
    """Returns a part with the images behind the headline measures alone."""
    wanted = {measure.key for measure in HEADLINE}
    kept = [each for each in part["extremes"] if (each["prompt_set"], each["metric"]) in wanted]
    pairs = [(each["method"], pair) for each in kept for pair in (*each["best"], *each["worst"])]
    images = {f"{method}/{pair['image']}" for method, pair in pairs}
    shown = images | {pair["against"] for _, pair in pairs}
    return {
        **part,
        "extremes": kept,
        "pictures": {name: source for name, source in part["pictures"].items() if name in shown},
        "prompts": {name: prompt for name, prompt in part["prompts"].items() if name in images},
    }


def _brief(part: Part, room: int) -> Part:
    kept: dict[str, list[Any]] = {"photos": [], "rows": []}
    for kind, several in kept.items():
        for each in part[kind]:
            room -= _size(each)
            if room >= 0:
                several.append(each)
    return {**part, **kept, "failures": [], "curves": [], "extremes": [], "pictures": {}, "prompts": {}}


def _size(part: Any) -> int:
    return len(json.dumps(part))
