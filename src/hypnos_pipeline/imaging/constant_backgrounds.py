"""Whether images have the scenes that were requested: a warning, not a metric (paper Fig. 8; 4.1 on Fig. 5).

Two ways of failing are distinguished, both by the border, which the subject seldom reaches: a background
that is *blank* within an image, and one that stays the *same* between images of different prompts. The limits
were set on a finished study of the embedded default: of 360 images of scene prompts the calmest has a spread
of 5.3 (a night), and every set a change of 35 to 40. 128 images by the same models with plain backgrounds, as
in Fig. 8, have spreads of at most 4.4; a DreamBooth that put the photos' room behind its chair whatever
colour was requested, a change of 19; one background behind everything 1 to 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hypnos_pipeline.imaging.colours import srgb_to_lab

BLANK_BELOW = 5.0
"""ΔE: an image's spread, below which its background is called blank."""
BLANK_SHARE = 0.25
"""Share of blank images from which a set is warned of."""
SAME_BELOW = 20.0
"""ΔE: a set's change, below which its backgrounds are called the same."""
FEWEST = 4
"""Images from which it means anything that backgrounds are the same."""

_STANDS_OUT = 95  # per cent of an image's pixels: an object covers more than the rest
_BORDER = 8  # the border is 1/8 of the edge wide
_SPREAD = 75  # per cent of the border's pixels: a subject that touches it does not count, a horizon does


@dataclass(frozen=True)
class Backgrounds:
    """The backgrounds of a set of images, measured at the images' borders.

    Attributes:
        images: How many.
        spread: ΔE from an image's median border colour that three quarters of its border stay below; the
            images' median.
        blank: How many images have a spread below ``BLANK_BELOW``.
        change: ΔE between an image's border and the set's, place by place; the images' median.
    """

    images: int
    spread: float
    blank: int
    change: float

    @property
    def constant(self) -> bool:
        """Whether they stay the same from image to image, in a set that is large enough to tell."""
        return self.images >= FEWEST and self.change < SAME_BELOW

    def warnings(self) -> list[str]:
        """Returns what seems to have failed, in words; empty if nothing does."""
        found = []
        if self.blank >= BLANK_SHARE * self.images:
            found.append(f"{self.blank} of {self.images} images have a blank background")
        if self.constant:
            found.append(f"the background is the same whatever is requested (it changes by ΔE {self.change})")
        return found


def measure_backgrounds(images: np.ndarray) -> Backgrounds:
    """Measures the borders of images of different scenes, uint8 N×H×W×3 sRGB, N > 0.

    Returns:
        Distances in ΔE (CIE76), rounded to a tenth.
    """
    colours = _border_colours(images)
    spreads = _spreads(colours)
    changes = np.median(_distance(colours, np.median(colours, axis=0, keepdims=True)), axis=1)
    return Backgrounds(
        images=len(images),
        spread=round(float(np.median(spreads)), 1),
        blank=int((spreads < BLANK_BELOW).sum()),
        change=round(float(np.median(changes)), 1),
    )


def background_spreads(images: np.ndarray) -> np.ndarray:
    """Returns each image's own spread (see :class:`Backgrounds`), N float64 ΔE, of images uint8 N×H×W×3."""
    return _spreads(_border_colours(images))


def flat_images(images: np.ndarray) -> int:
    """Returns how many images (uint8 N×H×W×3 sRGB) show nothing: nearly all of each has one colour."""
    colours = srgb_to_lab(images.reshape(len(images), -1, 3))
    distances = _distance(colours, np.median(colours, axis=1, keepdims=True))
    return int((np.percentile(distances, _STANDS_OUT, axis=1) < BLANK_BELOW).sum())


def _border_colours(images: np.ndarray) -> np.ndarray:
    """Returns the CIELAB colours of the borders' pixels, N×pixels×3."""
    height, width = images.shape[1:3]
    border = np.ones((height, width), dtype=bool)
    edge = max(1, min(height, width) // _BORDER)
    border[edge:-edge, edge:-edge] = False
    return srgb_to_lab(images[:, border])


def _spreads(colours: np.ndarray) -> np.ndarray:
    return np.percentile(_distance(colours, np.median(colours, axis=1, keepdims=True)), _SPREAD, axis=1)


def background_report(backgrounds: Backgrounds) -> dict[str, Any]:
    """Returns the measures and their warnings, in JSON types."""
    return {**asdict(backgrounds), "warnings": backgrounds.warnings()}


def beside_base(
    reports: Mapping[str, Mapping[str, Mapping[str, Any]]], base: str | None
) -> list[dict[str, Any]]:
    """Puts every method's report beside the base model's on the same prompts and noise (paper 0.F).

    Where the base model fails too, the prompts may be more than it can do, and finetuning is not to blame.

    Args:
        reports: Method to prompt set to :func:`background_report`.
        base: The base model's name among the methods, None if the study has none.

    Returns:
        Rows ``prompt_set, method, images, spread, blank, change, base_spread, base_blank, base_change,
        warning``; the base's values are left out where there are none.
    """
    rows = []
    for method, sets in reports.items():
        for prompt_set, report in sets.items():
            row = {"prompt_set": prompt_set, "method": method}
            row |= {name: report[name] for name in ("images", "spread", "blank", "change")}
            of_base = reports.get(base, {}).get(prompt_set) if base else None
            if of_base:
                row |= {f"base_{name}": of_base[name] for name in ("spread", "blank", "change")}
            warning = "; ".join(report["warnings"])
            if warning and of_base and method != base:
                warning += f"; the base model {'fails too' if of_base['warnings'] else 'does not'}"
            rows.append({**row, "warning": warning})
    return rows


def _distance(colours: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.sqrt(((colours - reference) ** 2).sum(axis=-1))
