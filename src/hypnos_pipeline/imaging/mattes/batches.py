"""Cut-outs of many images of one size, such as a study's samples, by any backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypnos_pipeline.imaging.mattes.estimate import check_matte
from hypnos_pipeline.imaging.mattes.registry import find_backend
from hypnos_pipeline.imaging.settings import BackendSettings


def cut_out_images(
    images: np.ndarray,
    settings: BackendSettings,
    networks: Path | None = None,
    key: str = "evaluation.cut_out",
) -> np.ndarray:
    """Finds the matte of every image.

    Args:
        images: N×H×W×3 uint8 sRGB.
        settings: Which backend.
        networks: The folder of the backends' networks.
        key: Where the settings stand in the configuration, for messages.

    Returns:
        N×H×W float32 in [0, 1].

    Raises:
        ValueError: For an unknown backend or option, or a backend that returns something else than mattes.
    """
    mattes = np.asarray(find_backend(settings.backend, settings.options, networks, key).remove_all(images))
    if len(mattes) != len(images):
        raise ValueError(f"{settings.backend}: {len(mattes)} mattes of {len(images)} images")
    for matte in mattes:
        check_matte(matte, images.shape[2:0:-1], settings.backend)
    return mattes.astype(np.float32, copy=False)
