"""Images of a subject's class where its photos were not taken, cut out once for all methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.settings import BackendSettings

if TYPE_CHECKING:
    import numpy as np
    import torch

MOST_PLACES = 64
"""Images that are cut out; more of them add time and little else."""


@dataclass(frozen=True)
class OtherPlaces:
    """Images of such an object where the photos were not taken; none where nothing cuts images out.

    Attributes:
        images: K×S×S×3 uint8.
        mattes: Of their objects, K×S×S float32 in [0, 1].
    """

    images: np.ndarray
    mattes: np.ndarray

    @classmethod
    def of(cls, class_prior: ImageSet, settings: BackendSettings | None, networks: Path) -> OtherPlaces:
        """Cuts out the class prior's first images, as ``cut_out.cut_out_samples`` does the samples."""
        from hypnos_pipeline.imaging.mattes.batches import cut_out_images

        images = class_prior.stack([*class_prior.images][:MOST_PLACES])
        if settings is None:
            return cls(images[:0], images[:0, :, :, 0].astype("float32"))
        return cls(images, cut_out_images(images, settings, networks))

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Returns the arrays as tensors by name."""
        import torch

        return {"images": torch.from_numpy(self.images), "mattes": torch.from_numpy(self.mattes)}

    def to_metadata(self) -> dict[str, Any]:
        """Returns nothing: the tensors say it all."""
        return {}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, torch.Tensor], _: Mapping[str, Any]) -> OtherPlaces:
        """Returns what gave these tensors."""
        return cls(tensors["images"].numpy(), tensors["mattes"].numpy())
