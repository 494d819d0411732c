"""Guards on every matte: what looks wrong is reported per photo, with the mend (method.md §2)."""

from __future__ import annotations

from typing import Any

import numpy as np

_FLAT = 0.05
_SIDES = ("left", "top", "right", "bottom")
_MEND = (
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
        ``{photo, backend, area, borders_touched (names of sides), faults, mend}``; a good matte has no faults
        and an empty mend.
    """
    area = float(alpha.mean())
    touched = borders_touched(alpha)
    faults = []
    if area < smallest_area:
        faults.append(f"covers {area:.1%} of the photo, less than {smallest_area:.0%}")
    if area > largest_area:
        faults.append(f"covers {area:.1%} of the photo, more than {largest_area:.0%}")
    if float(alpha.max() - alpha.min()) < _FLAT:
        faults.append(f"flat: all values within {float(alpha.min()):.2f} to {float(alpha.max()):.2f}")
    if len(touched) >= 3:
        faults.append(f"touches {len(touched)} borders ({', '.join(touched)})")
    return {
        "photo": photo,
        "backend": backend,
        "area": round(area, 6),
        "borders_touched": touched,
        "faults": faults,
        "mend": _MEND.format(photo=photo) if faults else "",
    }


def borders_touched(alpha: np.ndarray) -> list[str]:
    """Returns the sides of the frame that a matte (over one half) reaches."""
    edges = (alpha[:, 0], alpha[0], alpha[:, -1], alpha[-1])
    return [side for side, edge in zip(_SIDES, edges, strict=True) if bool((edge > 0.5).any())]
