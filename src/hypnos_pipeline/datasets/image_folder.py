"""A folder of images with its manifest."""

from __future__ import annotations

import json

import numpy as np
from kedro.io import DatasetError
from kedro_datasets._typing import ImagePreview
from PIL import Image

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.datasets.previews import pictures_preview
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.storage.replacing import replaced_folder

MANIFEST = "manifest.json"


class ImageFolderDataset(PathDataset):
    """PNG images, sub-folders for names with ``/``, and ``manifest.json`` where there are rows."""

    def load(self) -> ImageSet:
        """Returns the images in the manifest's order, in that of their names where there is none."""
        if not self._filepath.is_dir():
            raise DatasetError(f"{self._filepath}: no such image folder; run the stage that makes it")
        manifest_file = self._filepath / MANIFEST
        manifest = json.loads(manifest_file.read_text()) if manifest_file.is_file() else []
        files = [file.relative_to(self._filepath) for file in sorted(self._filepath.rglob("*.png"))]
        names = [row["name"] for row in manifest] or [file.with_suffix("").as_posix() for file in files]
        return ImageSet({name: self._read(name) for name in names}, manifest)

    def _read(self, name: str) -> np.ndarray:
        with Image.open(self._filepath / f"{name}.png") as image:
            return np.asarray(image)

    def save(self, data: ImageSet) -> None:
        """Replaces the folder as a whole."""
        with replaced_folder(self._filepath) as folder:
            for name, pixels in data.images.items():
                file = folder / f"{name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
            if data.manifest:
                text = json.dumps(data.manifest, indent=1, ensure_ascii=False)
                (folder / MANIFEST).write_text(text + "\n")

    def preview(self) -> ImagePreview:
        """Returns the first images side by side."""
        return pictures_preview(self._filepath.rglob("*.png"))
