"""One matte per photo: the user's own where there is one, else the chosen backend's."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from tqdm import tqdm

from hypnos_pipeline.imaging.mattes.guards import matte_row
from hypnos_pipeline.imaging.mattes.provided import MaskMissing
from hypnos_pipeline.imaging.mattes.registry import find_backend
from hypnos_pipeline.imaging.photos import PhotoError, PhotoFault, RawPhotos
from hypnos_pipeline.imaging.settings import BackgroundRemovalSettings

logger = logging.getLogger(__name__)


def estimate_mattes(
    raw: RawPhotos, settings: BackgroundRemovalSettings
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Finds the matte of every photo.

    Args:
        raw: Photos and the masks beside them; a mask always wins for its photo.
        settings: Which backend, and the guards' limits.

    Returns:
        Mattes by photo, H×W float32 in [0, 1] at the photo's size; and one report row per photo (see
        ``guards.matte_row``). Suspicious mattes are warned of and kept.

    Raises:
        PhotoError: If the backend is ``provided`` and masks are missing, naming each.
        ValueError: For an unknown backend or option, or a backend that returns something else than a matte.
    """
    backend = find_backend(settings.backend, settings.options)
    mattes: dict[str, np.ndarray] = {}
    rows: list[dict[str, Any]] = []
    missing: list[PhotoFault] = []
    for name, photo in tqdm(raw.photos.items(), desc="mattes", unit="photo", disable=None):
        source = "provided" if name in raw.masks else settings.backend
        try:
            matte = raw.masks[name] if name in raw.masks else np.asarray(backend(photo), dtype=np.float32)
        except MaskMissing:
            fault = "the backend is 'provided' and the photo has no mask"
            missing.append(
                PhotoFault(name, fault, f"add masks/{name}.png or change background_removal.backend")
            )
            continue
        _check(matte, photo.size, source)
        mattes[name] = matte
        rows.append(matte_row(name, source, matte, settings.smallest_area, settings.largest_area))
    if missing:
        raise PhotoError("the subject's folder", missing)
    for row in rows:
        if row["faults"]:
            logger.warning("matte of %s: %s; %s", row["photo"], "; ".join(row["faults"]), row["mend"])
    return mattes, rows


def _check(matte: np.ndarray, size: tuple[int, int], backend: str) -> None:
    """Refuses a backend's result that is no matte of the photo."""
    finite = bool(np.isfinite(matte).all())
    if matte.shape != size[::-1] or not finite or matte.min() < 0 or matte.max() > 1:
        raise ValueError(
            f"matting backend {backend!r}: expected {size[1]}×{size[0]} values in [0, 1], "
            f"got shape {matte.shape}" + ("" if finite else " with values that are not finite")
        )
