"""A reproduced cell beside the recorded one: its numbers, the machines, and where two chains part."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.provenance.differences import describe_difference
from hypnos_pipeline.provenance.hashes import cached, cached_files, intact
from hypnos_pipeline.provenance.parameters import ABSENT, leaves
from hypnos_pipeline.provenance.record import Recorded, StageRecord

NUMBERS = ("mean", "std", "std_images", "n")
MACHINE = "machine"
"""Key of a report under which the machine stands that computed it."""


@dataclass(frozen=True)
class Number:
    """One number of a cell, as the texts that stand in the files.

    Attributes:
        name: Its column.
        recorded: In ``cells.csv``.
        reproduced: In the scores made anew.
    """

    name: str
    recorded: str
    reproduced: str

    @property
    def equal(self) -> bool:
        """Whether it is the same to the last digit."""
        return self.recorded == self.reproduced or self.difference == 0

    @property
    def difference(self) -> float:
        """Reproduced minus recorded; not a number where either is blank."""
        try:
            return float(self.reproduced) - float(self.recorded)
        except ValueError:
            return math.nan

    def within(self, tolerance: float) -> bool:
        """Whether they differ by at most ``tolerance``, above 1 relative to the recorded number."""
        if self.equal:
            return True
        # A comparison with "not a number" is false: a number on one side only is never within.
        return abs(self.difference) <= tolerance * max(1.0, abs(float(self.recorded or "nan")))

    def __str__(self) -> str:
        if self.equal:
            return f"{self.name} {self.recorded}"
        change = "" if math.isnan(self.difference) else f" ({self.difference:+.3g})"
        return f"{self.name} {self.reproduced or 'none'} instead of {self.recorded or 'none'}{change}"


def read_numbers(scores: Path, cell: Cell) -> dict[str, str] | None:
    """Returns the cell's numbers in a file of scores, None if it has no such row.

    Args:
        scores: CSV with the columns of the scores, one method's or several's.
        cell: Whose numbers.
    """
    key = ("prompt_set", "subject", "method", "metric")
    with scores.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if all(row.get(name) == getattr(cell, name) for name in key):
                return {name: row.get(name) or "" for name in NUMBERS}
    return None


def compare_numbers(cell: Cell, reproduced: dict[str, str] | None) -> list[Number]:
    """Returns the cell's numbers beside the reproduced ones; all blank if there are none."""
    return [Number(name, getattr(cell, name), (reproduced or {}).get(name, "")) for name in NUMBERS]


def machine_differences(
    root: Path, project: Path, stages: Iterable[StageRecord], spare: Path
) -> tuple[list[str], list[str]]:
    """Compares the machines of the record with this one, as the stages' reports name them.

    Args:
        root: The user's project.
        project: The scratch project, in which the stages ran.
        stages: The stages.
        spare: Folder for copies out of DVC's cache.

    Returns:
        What differs, and why some or all of it is unknown; both empty if the machines are alike.
    """
    differing: dict[str, None] = {}
    unknown: list[str] = []
    reports = 0
    for recorded in (out for stage in stages for out in stage.outs.values() if out.path.endswith(".json")):
        here = _machine(project / recorded.path)
        copy = recorded_copy(root, recorded, spare)
        there = _machine(copy) if copy else None
        reports += there is not None and here is not None
        if here is not None and copy is None:
            unknown.append(f"{recorded.path} is not at hand as recorded (`dvc checkout {recorded.path}`)")
        elif (here is None) != (there is None):
            unknown.append(f"only {'the record' if here is None else 'the reproduction'} names a machine in "
                           f"{recorded.path}")  # fmt: skip
        elif here is not None and there is not None:
            ours, theirs = leaves(here), leaves(there)
            for key in [*theirs, *(key for key in ours if key not in theirs)]:
                mine, its = ours.get(key, ABSENT), theirs.get(key, ABSENT)
                if mine != its:
                    differing[f"{key.removeprefix('libraries.')}: {mine} here, {its} in the record"] = None
    if not reports and not unknown:
        unknown.append("the record does not name it")
    return list(differing), unknown


def _machine(report: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    machine = content.get(MACHINE) if isinstance(content, dict) else None
    return machine if isinstance(machine, dict) else None


def recorded_copy(root: Path, recorded: Recorded, spare: Path) -> Path | None:
    """Returns where an artefact lies as recorded: in the working tree, else taken out of DVC's cache.

    Args:
        root: The user's project.
        recorded: The artefact.
        spare: Folder for copies out of the cache.

    Returns:
        None if neither has it.
    """
    if intact(root, recorded.path, recorded.md5):
        return root / recorded.path
    target = spare / recorded.path
    if target.exists():
        return target
    files = {"": recorded.md5} if not recorded.is_folder else cached_files(root, recorded.md5)
    kept = {name: cached(root, md5) for name, md5 in (files or {}).items()}
    if not kept or any(path is None for path in kept.values()):
        return None
    for name, path in kept.items():
        destination = target / name if name else target
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(path), destination)
    return target


def first_parting(
    root: Path, project: Path, stages: Iterable[StageRecord], spare: Path, reports: bool = True
) -> str | None:
    """Names the first artefact that differs from the record, and by how much.

    Args:
        root: The user's project.
        project: The scratch project, in which the stages ran.
        stages: In topological order.
        spare: Folder for copies out of DVC's cache.
        reports: Whether reports count that name a machine; on another machine they differ anyway.

    Returns:
        A sentence without a full stop; None if all artefacts are the recorded ones.
    """
    for stage in stages:
        for recorded in stage.outs.values():
            if intact(project, recorded.path, recorded.md5):
                continue
            if not reports and _machine(project / recorded.path) is not None:
                continue
            copy = recorded_copy(root, recorded, spare)
            how = (
                describe_difference(copy, project / recorded.path)
                if copy
                else "the recorded one is neither in the working tree nor in DVC's cache to be compared"
            )
            return f"{recorded.path} (stage {stage.name}): {how}"
    return None
