"""A folder of JSON files."""

from __future__ import annotations

import json
from typing import Any

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.storage.replacing import replaced_folder


class JsonFolderDataset(PathDataset):
    """A map whose entries are files, ``<key>.json``: DVC prints a line for each file of metrics."""

    def load(self) -> dict[str, Any]:
        """Returns the map, in the order of its keys."""
        return {file.stem: json.loads(file.read_text()) for file in sorted(self._filepath.glob("*.json"))}

    def save(self, data: dict[str, Any]) -> None:
        """Replaces the folder as a whole."""
        with replaced_folder(self._filepath) as folder:
            for key, value in data.items():
                (folder / f"{key}.json").write_text(json.dumps(value, indent=1) + "\n")
