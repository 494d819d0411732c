"""One picture a person looks at: PIL in memory, PNG on disk, previewed in kedro-viz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import ImagePreview
from PIL import Image

from hypnos_pipeline.datasets.previews import picture_preview
from hypnos_pipeline.storage.replacing import replaced_file


class PictureDataset(AbstractDataset[Image.Image, Image.Image]):
    """A PNG file.

    Args:
        filepath: The file, relative to the project root.
        metadata: Passed to kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Image.Image:
        with Image.open(self._filepath) as picture:
            return picture.copy()

    def save(self, data: Image.Image) -> None:
        with replaced_file(self._filepath) as partial:
            data.save(partial, format="PNG")

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}

    def preview(self) -> ImagePreview:
        """Returns the picture, made smaller where it is large."""
        return picture_preview(self._filepath)
