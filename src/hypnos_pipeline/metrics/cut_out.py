"""Generated images cut out, for the metrics that look at the object and its surroundings apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.imaging.colours import unit_colour
from hypnos_pipeline.imaging.compositing import composite
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.mattes.batches import cut_out_images
from hypnos_pipeline.imaging.pixels import to_unit
from hypnos_pipeline.imaging.settings import BackendSettings
from hypnos_pipeline.imaging.sheets import contact_sheet

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

COLUMNS = 8
MOST_PLACES = 64
"""Images of other places that are cut out; more of them add time and little else."""
BEHIND = "purple"
"""What cut-outs are shown on."""


@dataclass(frozen=True)
class OtherPlaces:
    """Images of such an object where the photos were not taken.

    Attributes:
        images: K×S×S×3 uint8.
        mattes: Of their objects, K×S×S float32 in [0, 1].
    """

    images: np.ndarray
    mattes: np.ndarray

    @classmethod
    def of(
        cls, class_prior: ImageSet, settings: BackendSettings | None, networks: Path
    ) -> OtherPlaces | None:
        """Cuts out the class prior's first images, as :func:`cut_out_samples` does the samples."""
        if settings is None:
            return None
        images = class_prior.stack([*class_prior.images][:MOST_PLACES])
        return cls(images, cut_out_images(images, settings, networks))


def cut_out_samples(
    samples: ImageSet, settings: BackendSettings | None, networks: Path
) -> dict[str, np.ndarray] | None:
    """Returns each image's matte by name, S×S float32 in [0, 1]; None where nothing cuts samples out.

    Args:
        samples: Generated images, S×S×3 uint8.
        settings: The backend, ``evaluation.cut_out``.
        networks: The folder of the backends' networks.
    """
    if settings is None:
        return None
    return dict(zip(samples.images, cut_out_images(samples.stack(), settings, networks), strict=True))


def cut_out_sheet(samples: ImageSet, mattes: Mapping[str, np.ndarray] | None) -> Image.Image:
    """Draws the first images of each prompt set, and below each what is cut out of it."""
    shown: dict[str, list[str]] = {}
    for row in samples.manifest:
        shown.setdefault(row["prompt_set"], []).append(row["name"])
    rows, labels = [], []
    for prompt_set, names in shown.items():
        images = [samples.images[name] for name in names[:COLUMNS]]
        rows.append(images)
        labels.append(prompt_set)
        if mattes is not None:
            behind = unit_colour(BEHIND)
            pairs = zip(images, names, strict=False)
            rows.append([composite(to_unit(image), mattes[name], behind) for image, name in pairs])
            labels.append(f"on {BEHIND}")
    title = "" if mattes is not None else "Samples are not cut out (evaluation.cut_out)."
    return contact_sheet(rows, labels, cell=96, title=title)
