"""Tensors in safetensors."""

from __future__ import annotations

import json
from typing import Any

from kedro.utils import load_obj

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.storage.replacing import replaced_file


class TensorsDataset(PathDataset):
    """A dict of tensors, or an object that turns itself into one.

    Args:
        filepath: The file, relative to the project root.
        holder: Dotted name of a class with ``to_tensors()``, ``to_metadata()`` and
            ``from_tensors(tensors, metadata)``; a plain dict of tensors without it. Imported on use, so that
            naming it costs nothing.
        metadata: Passed to kedro-viz.
    """

    def __init__(self, *, filepath: str, holder: str | None = None, metadata: dict[str, Any] | None = None):
        super().__init__(filepath=filepath, metadata=metadata)
        self._holder = holder

    def load(self) -> Any:
        """Returns the holder's object, or the tensors by name."""
        from safetensors import safe_open

        with safe_open(self._filepath, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            text = (file.metadata() or {}).get("json", "{}")
        return load_obj(self._holder).from_tensors(tensors, json.loads(text)) if self._holder else tensors

    def save(self, data: Any) -> None:
        """Replaces the file as a whole; its bytes depend on tensors and metadata alone."""
        from safetensors.torch import save_file

        tensors = data.to_tensors() if self._holder else data
        content = data.to_metadata() if self._holder else {}
        ordered = {name: tensors[name].contiguous() for name in sorted(tensors)}
        with replaced_file(self._filepath) as partial:
            save_file(ordered, partial, metadata={"json": json.dumps(content, sort_keys=True)})

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"holder": self._holder}
