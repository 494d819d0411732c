"""One matte per photo: the user's own where there is one, else the chosen backend's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hypnos_pipeline.errors import PhotoError, Problem
from hypnos_pipeline.imaging.mattes.choice import SUBJECT
from hypnos_pipeline.imaging.mattes.guards import matte_row
from hypnos_pipeline.imaging.mattes.measures import measure
from hypnos_pipeline.imaging.mattes.provided import MaskMissing
from hypnos_pipeline.imaging.mattes.registry import find_backend
from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.settings import BackendSettings, BackgroundRemovalSettings
from hypnos_pipeline.progress import counted
from hypnos_pipeline.storage.hashing import file_sha256

logger = logging.getLogger(__name__)


def estimate_mattes(
    raw: RawPhotos,
    settings: BackgroundRemovalSettings,
    mattes: Mapping[str, BackendSettings] | None = None,
    networks: Path | None = None,
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Finds the matte of every photo.

    Args:
        raw: Photos, the masks beside them and their transparency; what is given wins for its photo.
        settings: Which backend, and the guards' limits.
        mattes: Photo to the backend that is used for it in place of that one.
        networks: The folder of the backends' networks.

    Returns:
        Mattes by photo, H×W float32 in [0, 1] at the photo's size; and one report row per photo (see
        ``guards.matte_row``). Suspicious mattes are warned of and kept.

    Raises:
        PhotoError: If the backend is ``provided`` and masks are missing, naming each.
        ValueError: For an unknown backend or option, or a backend that returns something else than a matte.
    """
    chosen = {name: (mattes or {}).get(name, settings) for name in raw.photos}
    backends = {name: find_backend(each.backend, each.options, networks) for name, each in chosen.items()}
    given = raw.given_mattes(settings.alpha)
    found: dict[str, np.ndarray] = {}
    made: dict[str, tuple[str, str]] = {}
    missing: list[Problem] = []
    for name, photo in counted(raw.photos.items(), "mattes", "photo"):
        source, network = chosen[name].backend, backends[name].network
        try:
            if name in given:
                source, network, matte = "provided" if name in raw.masks else "alpha", None, given[name]
            else:
                matte = np.asarray(backends[name].remove(photo), dtype=np.float32)
        except MaskMissing:
            missing.append(
                Problem(SUBJECT, f"{name}: has no mask", f"add masks/{name}.png or change its backend")
            )
            continue
        check_matte(matte, photo.size, source)
        found[name] = matte
        made[name] = source, _identity(network)
    if missing:
        raise PhotoError(missing)
    measures = measure(raw.photos, found)
    rows: list[dict[str, Any]] = []
    for name, (source, network) in made.items():
        measured = None if name in given else measures.get(name)
        limits = settings.smallest_area, settings.largest_area
        row: dict[str, Any] = matte_row(name, source, found[name], *limits, measured)
        rows.append(row | {"network": network})
        if problems := [Problem(**each) for each in row["problems"]]:
            text = "; ".join(problem.what for problem in problems)
            logger.warning("matte of %s: %s; %s", name, text, problems[0].fix)
    return found, rows


def _identity(network: Path | None) -> str:
    return f"{network.name} sha256 {file_sha256(network)}" if network else ""


def check_matte(matte: np.ndarray, size: tuple[int, int], backend: str) -> None:
    """Refuses a backend's result that is no matte of the photo."""
    finite = bool(np.isfinite(matte).all())
    if matte.shape != size[::-1] or not finite or matte.min() < 0 or matte.max() > 1:
        raise ValueError(
            f"matting backend {backend!r}: expected {size[1]}×{size[0]} values in [0, 1], "
            f"got shape {matte.shape}" + ("" if finite else " with values that are not finite")
        )
