"""Named images with one manifest row each: what image folders hold in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class ImageSet:
    """Named images and, where there is more to say, one manifest row for each.

    Attributes:
        images: Name without suffix (may hold ``/`` for sub-folders) to a uint8 array, H×W×3 sRGB or H×W
            for mattes; written as PNG.
        manifest: Rows with at least ``name``, in the images' order; written as ``manifest.json``.
    """

    images: dict[str, np.ndarray]
    manifest: list[dict[str, Any]] = field(default_factory=list)

    def stack(self, names: list[str] | None = None) -> np.ndarray:
        """Returns the images (all, or those named) as one uint8 array N×H×W[×3]."""
        import numpy as np

        return np.stack([self.images[name] for name in (names or self.images)])

    def rows(self, **where: Any) -> list[dict[str, Any]]:
        """Returns the manifest rows whose values equal ``where``, in order."""
        return [row for row in self.manifest if all(row.get(k) == v for k, v in where.items())]
