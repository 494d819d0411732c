"""Guards on every matte: what looks wrong is reported per photo, with its fix (method.md §2)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from hypnos_pipeline.errors import Problem

_FLAT = 0.05
_SIDES = ("left", "top", "right", "bottom")
_FIX = (
    "exclude the photo (the subject's key exclude), put a mask in masks/{photo}.png, "
    "or choose another backend for it (the subject's key mattes)"
)


def matte_row(
    photo: str, backend: str, alpha: np.ndarray, smallest_area: float, largest_area: float
) -> dict[str, Any]:
    """Describes one matte and what is suspicious about it.

    Args:
        photo: Photo's stem.
        backend: Where the matte comes from.
        alpha: H×W in [0, 1], at the photo's own size.
        smallest_area: Below this fraction of the photo a matte is too small.
        largest_area: Above this fraction it is too large.

    Returns:
        ``{photo, backend, area, borders_touched, problems}``: area in [0, 1], names of sides, and the fields
        of each :class:`Problem` (warnings about ``photo``); a good matte has none.
    """
    area, touched = float(alpha.mean()), borders_touched(alpha)
    low, high = alpha.min(), alpha.max()
    checks = (
        (area < smallest_area, f"covers {area:.1%} of the photo, less than {smallest_area:.0%}"),
        (area > largest_area, f"covers {area:.1%} of the photo, more than {largest_area:.0%}"),
        (float(high - low) < _FLAT, f"flat: all values within {low:.2f} to {high:.2f}"),
        (len(touched) >= 3, f"touches {len(touched)} borders ({', '.join(touched)})"),
    )
    fix = _FIX.format(photo=photo)
    problems = [Problem(photo, what, fix, "warning") for suspicious, what in checks if suspicious]
    return {
        "photo": photo,
        "backend": backend,
        "area": round(area, 6),
        "borders_touched": touched,
        "problems": [asdict(problem) for problem in problems],
    }


def borders_touched(alpha: np.ndarray) -> list[str]:
    """Returns the sides of the frame that a matte (over one half) reaches."""
    edges = (alpha[:, 0], alpha[0], alpha[:, -1], alpha[-1])
    return [side for side, edge in zip(_SIDES, edges, strict=True) if bool((edge > 0.5).any())]
