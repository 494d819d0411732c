"""Guards on every matte: what looks wrong is reported per photo, with its fix (method.md §2).

Some limits stand alone: size, flatness, touched borders. Whether parts were lost or gained is weighed from
several measures, because each alone is often wrong: their weighted sum is the matte's doubt.
``benchmarks/mattes.py`` finds the weights on rendered photos whose mattes are known, and says on others how
often the guards are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from hypnos_pipeline.errors import Problem
from hypnos_pipeline.imaging.mattes.measures import Measures

_FLAT = 0.05
_SIDES = ("left", "top", "right", "bottom")
_FIX = (
    "look at the sheet; put a mask beside the photo (masks/<photo>.png), exclude the photo (the subject's "
    "key exclude), or choose another backend for it (the subject's key mattes)"
)
WEIGHTS = Measures(
    unknown=6.8,
    background=2.5,
    missing=1.0,
    faint=5.0,
    size=1.1,
    shape=4.7,
    lopsided=5.7,
    unsteady=5.0,
)
"""Of the measures as ``scaled`` gives them."""
DOUBTFUL = 6.75
"""The doubt from which a matte is flagged."""
_SAID = 0.6
"""A measure is named if it is at least this share of the largest one's part in the doubt."""
_WORDS = {
    "unknown": "parts gained, or not this object: {:.0%} of the cut-out has colours that the other photos' "
    "cut-outs lack",
    "background": "parts gained: {:.0%} of the cut-out has the background's colours rather than the object's",
    "missing": "parts lost: what the other photos' cut-outs hold lies beside this one ({:.0%} of its size)",
    "faint": "low contrast: along {:.0%} of the outline the object hardly differs from what is behind it",
    "size": "photos disagree: the cut-out is {:.1f} times {} than in the other photos",
    "shape": "parts lost or gained: for its height the cut-out is {:.1f} times {} than in the other photos",
    "lopsided": "parts lost or gained on one side: {:.0%} of the cut-out and its mirror image do not overlap",
    "unsteady": "unsteady: cut out once more from this matte, {:.0%} of it changes",
}


def matte_row(
    photo: str,
    backend: str,
    alpha: np.ndarray,
    smallest_area: float,
    largest_area: float,
    measures: Measures | None = None,
) -> dict[str, Any]:
    """Describes one matte and what is suspicious about it.

    Args:
        photo: Photo's stem.
        backend: Where the matte comes from.
        alpha: H×W in [0, 1], at the photo's own size.
        smallest_area: Below this fraction of the photo a matte is too small.
        largest_area: Above this fraction it is too large.
        measures: What speaks against it; None where the user gave the matte, or it holds all or nothing.

    Returns:
        ``{photo, backend, area, borders_touched, problems, measures}``: area in [0, 1], names of sides, the
        fields of each :class:`Problem` (warnings about ``photo``; a good matte has none), and those of
        :class:`Measures`, with their weighted sum ``doubt``.
    """
    problems = [*_area_problems(photo, alpha, smallest_area, largest_area)]
    if measures is not None:
        problems += _shape_problems(photo, measures)
    return {
        "photo": photo,
        "backend": backend,
        "area": round(float(alpha.mean()), 6),
        "borders_touched": borders_touched(alpha),
        "problems": [asdict(problem) for problem in problems],
        "measures": _rounded({**asdict(measures), "doubt": doubt(measures)}) if measures else {},
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _area_problems(
    photo: str, alpha: np.ndarray, smallest_area: float, largest_area: float
) -> Iterator[Problem]:
    """Yields what is suspicious about one matte by its size, flatness and touched borders."""
    area, touched = float(alpha.mean()), borders_touched(alpha)
    low, high = alpha.min(), alpha.max()
    checks = (
        (area < smallest_area, f"covers {area:.1%} of the photo, less than {smallest_area:.0%}"),
        (area > largest_area, f"covers {area:.1%} of the photo, more than {largest_area:.0%}"),
        (float(high - low) < _FLAT, f"flat: all values within {low:.2f} to {high:.2f}"),
        (len(touched) >= 3, f"touches {len(touched)} borders ({', '.join(touched)})"),
    )
    yield from (_warning(photo, what) for suspicious, what in checks if suspicious)


def _shape_problems(photo: str, measures: Measures) -> Iterator[Problem]:
    """Yields what speaks most against a doubtful matte, the strongest first; nothing if it is not."""
    parts = _parts(measures)
    if sum(parts.values()) >= DOUBTFUL:
        strongest = max(parts.values())
        for name in sorted(parts, key=lambda name: -parts[name]):
            if parts[name] >= _SAID * strongest:
                yield _warning(photo, _said(name, getattr(measures, name)))


def doubt(measures: Measures) -> float:
    """Returns how doubtful a matte is; from ``DOUBTFUL`` on it is flagged."""
    return sum(_parts(measures).values())


def _parts(measures: Measures) -> dict[str, float]:
    """Returns each measure's part in the doubt."""
    weights = asdict(WEIGHTS)
    return {name: weights[name] * value for name, value in scaled(measures).items()}


def scaled(measures: Measures) -> dict[str, float]:
    """Returns the measures as they are weighed: small shares count, small differences in size do not."""
    powers = {"size": 2.0, "shape": 1.0, "lopsided": 1.0}
    return {name: abs(value) ** powers.get(name, 0.5) for name, value in asdict(measures).items()}


def _said(name: str, value: float) -> str:
    if name == "size":
        return _WORDS[name].format(np.exp(abs(value)), "larger" if value > 0 else "smaller")
    if name == "shape":
        return _WORDS[name].format(np.exp(abs(value)), "narrower" if value > 0 else "wider")
    return _WORDS[name].format(value)


def _warning(photo: str, what: str) -> Problem:
    return Problem(photo, what, _FIX, "warning")


def borders_touched(alpha: np.ndarray) -> list[str]:
    """Returns the sides of the frame that a matte (over one half) reaches."""
    edges = (alpha[:, 0], alpha[0], alpha[:, -1], alpha[-1])
    return [side for side, edge in zip(_SIDES, edges, strict=True) if bool((edge > 0.5).any())]
