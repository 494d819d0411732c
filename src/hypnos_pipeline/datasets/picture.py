"""One picture a person looks at: PIL in memory, PNG on disk, previewed in kedro-viz."""

from __future__ import annotations

from kedro_datasets._typing import ImagePreview
from PIL import Image

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.datasets.previews import picture_preview
from hypnos_pipeline.storage.replacing import replaced_file


class PictureDataset(PathDataset):
    """A PNG file."""

    def load(self) -> Image.Image:
        """Returns the picture, read whole."""
        with Image.open(self._filepath) as picture:
            return picture.copy()

    def save(self, data: Image.Image) -> None:
        """Replaces the file as a whole."""
        with replaced_file(self._filepath) as partial:
            data.save(partial, format="PNG")

    def preview(self) -> ImagePreview:
        """Returns the picture, made smaller where it is large."""
        return picture_preview(self._filepath)
