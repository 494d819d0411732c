"""A folder of the user's, handed on as its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class FolderDataset(AbstractDataset[Any, Path]):
    """A folder of which a node reads only what the configuration names.

    Args:
        filepath: The folder, relative to the project root; it may be absent as long as nothing in it
            is named.
        metadata: Passed to kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        return self._filepath

    def save(self, data: Any) -> NoReturn:
        raise DatasetError(f"{self._filepath}: the folder is the user's and never written")

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}
