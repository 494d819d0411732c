"""How far the recorded trainings of each cell lie apart."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev

from hypnos_pipeline.findings.record import FOLDER, load
from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.reporting.cells import rows_of


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
    for file in sorted((root / FOLDER / env).glob("*/*.parquet")):
        method = file.stem.rpartition("-")[0]
        means = load(file).values.groupby(["prompt_set", "metric"], sort=False)["value"].mean()
        for row in rows_of(means.reset_index()):
            found[row.prompt_set, file.parent.name, method, row.metric].append(float(row.value))
    return [
        Cell(env, "", *key, str(fmean(several)), "", "", "", "", str(len(several)), str(stdev(several)))
        for key, several in found.items()
        if len(several) > 1
    ]
