"""The user's photos: read, checked, never written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import ImagePreview

from hypnos_pipeline.datasets.previews import pictures_preview

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.photos import RawPhotos


class RawPhotosDataset(AbstractDataset[Any, Any]):
    """A subject's folder of photos and, if given, masks.

    Args:
        filepath: The folder, relative to the project root.
        metadata: Passed to kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> RawPhotos:
        from hypnos_pipeline.imaging.photos import read_photos

        return read_photos(self._filepath)

    def save(self, data: Any) -> NoReturn:
        raise DatasetError(f"{self._filepath}: raw photos are the user's and never written")

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}

    def preview(self) -> ImagePreview:
        """Returns the photos side by side, masks not among them."""
        from hypnos_pipeline.imaging.photos import PHOTO_SUFFIXES

        photos = [file for file in self._filepath.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES]
        return pictures_preview(photos)
