"""How far the recorded trainings of each cell lie apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.findings.record import FOLDER, load
from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.reporting.cells import rows_of

if TYPE_CHECKING:
    import pandas


def training_means(root: Path, env: str) -> Iterator[tuple[str, str, pandas.Series[Any]]]:
    """Yields subject, method and mean values of each recorded training, the means by prompt set and metric.

    A stale record counts too.

    Args:
        root: The project's folder.
        env: The environment of the records, none of which need be there.

    Raises:
        FindingsError: If a file is no record.
    """
    for file in sorted((root / FOLDER / env).glob("*/*.parquet")):
        means = load(file).values.groupby(["prompt_set", "metric"], sort=False)["value"].mean()
        yield file.parent.name, file.stem.rpartition("-")[0], means


def recorded_trainings(root: Path, env: str) -> list[Cell]:
    """Returns the cells that the records of an environment have, with the deviation between trainings.

    A stale record counts too: how far trainings lie apart changes little with what made it stale.

    Args:
        root: The project's folder.
        env: The environment of the records, none of which need be there.

    Returns:
        Cells of two trainings or more. ``table`` is empty, and so is what only a single training has.

    Raises:
        FindingsError: If a file is no record.
    """
    found: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for subject, method, means in training_means(root, env):
        for row in rows_of(means.reset_index()):
            found[row.prompt_set, subject, method, row.metric].append(float(row.value))
    return [
        Cell(env, "", *key, str(fmean(several)), "", "", "", "", str(len(several)), str(stdev(several)))
        for key, several in found.items()
        if len(several) > 1
    ]
