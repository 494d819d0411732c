"""A finetuned model as a folder that other tools load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.io import DatasetError

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.storage.replacing import replaced_folder


class FinetunedDataset(PathDataset):
    """A diffusers folder, or one with a learned token's embedding.

    Loads as the folder's path, because what reads it chooses device and base model.
    """

    def load(self) -> Path:
        """Returns the folder."""
        if not self._filepath.is_dir():
            raise DatasetError(f"{self._filepath}: no such model; run the pipeline 'finetune' first")
        return self._filepath

    def save(self, data: Any) -> None:
        """Replaces the folder as a whole by a ``FullFinetune`` or a ``LearnedToken``."""
        from hypnos_pipeline.models.finetuned import save_finetuned

        with replaced_folder(self._filepath) as folder:
            save_finetuned(data, folder)
