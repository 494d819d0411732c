"""The user's photos: read, checked, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kedro_datasets._typing import ImagePreview

from hypnos_pipeline.datasets.folder import FolderDataset
from hypnos_pipeline.datasets.previews import pictures_preview

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.photos import RawPhotos


class RawPhotosDataset(FolderDataset):
    """A subject's folder of photos and, if given, masks."""

    def load(self) -> RawPhotos:
        """Reads and checks the photos and masks, see :func:`~hypnos_pipeline.imaging.photos.read_photos`."""
        from hypnos_pipeline.imaging.photos import read_photos

        return read_photos(self._filepath)

    def preview(self) -> ImagePreview:
        """Returns the photos side by side, masks not among them."""
        from hypnos_pipeline.imaging.photo_files import find_photo_files

        return pictures_preview(list(find_photo_files(self._filepath).photos.values()))
