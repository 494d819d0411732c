"""Datasets that are one path on this machine, and the user's folders among them, which are never written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class PathDataset(AbstractDataset[Any, Any]):
    """A file or a folder.

    Args:
        filepath: Relative to the project root.
        metadata: Passed to kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}


class FolderDataset(PathDataset):
    """A folder of the user's, loaded as its path: a node reads only what the configuration names of it.

    It may be absent as long as nothing in it is named.
    """

    def load(self) -> Path:
        """Returns the path."""
        return self._filepath

    def save(self, data: Any) -> NoReturn:
        """Refuses, always."""
        raise DatasetError(f"{self._filepath}: the folder is the user's and never written")
