"""Any single-file dataset, saved atomically."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro_datasets._typing import PlotlyPreview

from hypnos_pipeline.datasets.folder import PathDataset
from hypnos_pipeline.datasets.previews import BY_SUFFIX, curve_preview
from hypnos_pipeline.storage.replacing import replaced_file


class AtomicDataset(PathDataset):
    """Saves through another dataset into a partial file, then renames it.

    Args:
        filepath: The file, relative to the project root.
        dataset: The library dataset's type, or its configuration without ``filepath``.
        metadata: Passed to kedro-viz.
    """

    def __init__(
        self, *, filepath: str, dataset: str | dict[str, Any], metadata: dict[str, Any] | None = None
    ):
        super().__init__(filepath=filepath, metadata=metadata)
        self._config = {"type": dataset} if isinstance(dataset, str) else dict(dataset)

    def _at(self, path: Path) -> AbstractDataset:
        return AbstractDataset.from_config("atomic", {**self._config, "filepath": path.as_posix()})

    def load(self) -> Any:
        """Returns what the library dataset loads."""
        return self._at(self._filepath).load()

    def save(self, data: Any) -> None:
        """Replaces the file as a whole."""
        with replaced_file(self._filepath) as unfinished:
            self._at(unfinished).save(data)

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"dataset": self._config["type"]}

    def __getattr__(self, name: str) -> Any:
        # kedro-viz looks for `preview` and its annotated return type: both are the library dataset's, if any.
        if name != "preview":
            raise AttributeError(name)
        by_suffix = BY_SUFFIX.get(self._filepath.suffix)
        return partial(by_suffix, self._filepath) if by_suffix else self._at(self._filepath).preview


class CurveDataset(AtomicDataset):
    """A learning curve: a CSV with a column ``step``, shown as a chart."""

    def preview(self) -> PlotlyPreview:
        """Returns all columns over ``step``."""
        return curve_preview(self.load())
