"""The photos' true cut-outs on a plain colour, with which images of this background are compared (§9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypnos_pipeline.imaging.colours import unit_colour
from hypnos_pipeline.imaging.compositing import composite
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.imaging.pixels import to_uint8, to_unit


@dataclass(frozen=True)
class CutOuts:
    """The photos' true foregrounds.

    Attributes:
        names: The photos'.
        mattes: N×S×S uint8.
        foregrounds: N×S×S×3 uint8, colours freed of the background's.
    """

    names: list[str]
    mattes: np.ndarray
    foregrounds: np.ndarray

    @classmethod
    def of(cls, mattes: ImageSet, foregrounds: ImageSet) -> CutOuts:
        """Brings mattes and foregrounds of the same photos together, sorted by name."""
        names = sorted(mattes.images)
        return cls(names, mattes.stack(names), foregrounds.stack(names))

    def on(self, colour: str) -> np.ndarray:
        """Returns the photos' cut-outs on a listed colour, N×S×S×3 uint8."""
        background = unit_colour(colour)
        pairs = zip(self.foregrounds, self.mattes, strict=True)
        return np.stack([to_uint8(composite(to_unit(f), to_unit(matte), background)) for f, matte in pairs])
