"""A reproduced cell beside the recorded one: its numbers, the machines, and where two chains part."""

from __future__ import annotations

import csv
import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.provenance.differences import describe_difference
from hypnos_pipeline.provenance.hashes import cached, cached_files, intact
from hypnos_pipeline.provenance.parameters import changes
from hypnos_pipeline.provenance.record import Recorded, StageRecord, read_report
from hypnos_pipeline.reporting.cells import KEY, join_scores, over_trainings

NUMBERS = ("mean", "std", "std_images", "n", "std_trainings")


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


def read_numbers(scores: Iterable[Path], cell: Cell) -> dict[str, str] | None:
    """Returns the cell's numbers in files of scores, taken together if they are of several trainings.

    Args:
        scores: CSV files with the columns of the scores, one method's or several's; files that do not name
            their training are of the first, the second and so on.
        cell: Whose numbers.

    Returns:
        None if there is no such row.
    """
    rows: list[dict[str, str]] = []
    for number, path in enumerate(scores, 1):
        with path.open(newline="", encoding="utf-8") as file:
            found = [row for row in csv.DictReader(file) if all(row.get(x) == getattr(cell, x) for x in KEY)]
        rows += [{"training": str(number), **row} for row in found]
    if len(rows) < 2:
        return {name: rows[0].get(name) or "" for name in NUMBERS} if rows else None
    import pandas

    floats, counts = ("mean", "std", "std_images"), ("n", "training")
    values = [{x: float(row[x] or "nan") for x in floats} | {x: int(row[x]) for x in counts} for row in rows]
    frame = pandas.DataFrame([row | own for row, own in zip(rows, values, strict=True)])
    means = over_trainings(join_scores([frame])).to_dict("records")
    return {x: "" if pandas.isna(means[0][x]) else repr(means[0][x]) for x in NUMBERS} if means else None


def compare_numbers(cell: Cell, reproduced: dict[str, str] | None) -> list[Number]:
    """Returns the cell's numbers beside the reproduced ones; all blank if there are none."""
    return [Number(name, getattr(cell, name), (reproduced or {}).get(name, "")) for name in NUMBERS]


@dataclass(frozen=True)
class Reproduction:
    """A finished reproduction beside the record.

    Attributes:
        root: The user's project.
        project: The scratch project, in which the stages ran.
        stages: The stages that ran, in topological order.
        spare: Folder for copies out of DVC's cache.
    """

    root: Path
    project: Path
    stages: list[StageRecord]
    spare: Path

    def recorded_copy(self, recorded: Recorded) -> Path | None:
        """Returns where an artefact lies as recorded: in the working tree, else taken out of DVC's cache.

        Returns:
            None if neither has it.
        """
        if intact(self.root, recorded):
            return self.root / recorded.path
        target = self.spare / recorded.path
        if target.exists():
            return target
        files = {"": recorded.md5} if not recorded.is_folder else cached_files(self.root, recorded.md5) or {}
        kept = {target / name: cached(self.root, md5) for name, md5 in files.items()}
        if not kept or None in kept.values():
            return None
        for destination, path in kept.items():
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(path), destination)
        return target

    def machine_differences(self) -> tuple[list[str], list[str]]:
        """Compares the machines of the record with this one, as the stages' reports name them.

        Returns:
            What differs, and why some or all of it is unknown; both empty if the machines are alike.
        """
        differing: list[str] = []
        unknown: list[str] = []
        compared = False
        outs = [out for stage in self.stages for out in stage.outs.values()]
        for recorded in (out for out in outs if out.path.endswith(".json")):
            here, copy = _machine(self.project / recorded.path), self.recorded_copy(recorded)
            there = _machine(copy)
            if here is not None and copy is None:
                unknown.append(f"{recorded.path} is not at hand as recorded (`dvc checkout {recorded.path}`)")
            elif here is not None and there is not None:
                compared = True
                differing += [
                    f"{key.removeprefix('libraries.')}: {mine} here, {its} in the record"
                    for key, (its, mine) in changes(there, here).items()
                ]
            elif here is not None or there is not None:
                only = "the reproduction" if there is None else "the record"
                unknown.append(f"only {only} names a machine in {recorded.path}")
        if not compared and not unknown:
            unknown.append("the record does not name it")
        return list(dict.fromkeys(differing)), unknown

    def first_parting(self, reports: bool = True) -> str | None:
        """Names the first artefact that differs from the record, and by how much.

        Args:
            reports: Whether reports count that name a machine; on another machine they differ anyway.

        Returns:
            A sentence without a full stop; None if all artefacts are the recorded ones.
        """
        outs = [(stage, out) for stage in self.stages for out in stage.outs.values()]
        for stage, recorded in outs:
            made = self.project / recorded.path
            if intact(self.project, recorded) or not (reports or _machine(made) is None):
                continue
            copy = self.recorded_copy(recorded)
            how = (
                describe_difference(copy, made)
                if copy
                else "the recorded one is neither in the working tree nor in DVC's cache to be compared"
            )
            return f"{recorded.path} (stage {stage.name}): {how}"
        return None


def _machine(report: Path | None) -> dict[str, Any] | None:
    """Returns the machine that a report names as the one that computed it."""
    machine = read_report(report if report and report.suffix == ".json" else None).get("machine")
    return machine if isinstance(machine, dict) else None
