"""A study's cells beside those of the record in git: how far they lie apart, and whether that is much.

Two trainings of the same settings differ. By how much is known where the record has several trainings of a
cell, or where the environment that ``evaluation.findings`` names has: its own cells, or else the records of
its trainings (:mod:`hypnos_pipeline.findings.spread`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypnos_pipeline.errors import ProvenanceError
from hypnos_pipeline.provenance.cells import Cell, cells_path, parse_cells
from hypnos_pipeline.provenance.hashes import cached
from hypnos_pipeline.provenance.history import text_at
from hypnos_pipeline.provenance.record import LOCK, parse_record
from hypnos_pipeline.study.environments import STUDY_FILE

CERTAINTY = 0.95
"""Of pairs of trainings with the same settings, how many lie as close as is expected of them."""


@dataclass(frozen=True)
class Beside:
    """A cell beside the record's.

    Attributes:
        cell: The study's; None if it has no such cell any more.
        recorded: The record's; None if it has no such cell yet.
        spread: By how much the two may differ though nothing but the draw does: the half-width of an interval
            that holds ``CERTAINTY`` of such differences, by Student's t. None where no trainings tell.
    """

    cell: Cell | None
    recorded: Cell | None
    spread: float | None

    @property
    def named(self) -> Cell:
        """Whichever of the two there is."""
        found = self.cell or self.recorded
        assert found is not None
        return found

    @property
    def difference(self) -> float | None:
        """The study's value minus the record's; None if either is missing."""
        if self.cell is None or self.recorded is None:
            return None
        return float(self.cell.mean) - float(self.recorded.mean)

    @property
    def verdict(self) -> str:
        """In a word or two: ``equal``, ``within``, ``beyond``, ``new``, ``gone`` or ``no spread known``."""
        if self.difference is None:
            return "new" if self.cell else "gone"
        if self.difference == 0:
            return "equal"
        if self.spread is None:
            return "no spread known"
        return "within" if abs(self.difference) <= self.spread else "beyond"


def beside_record(cells: Sequence[Cell], recorded: Sequence[Cell], findings: Sequence[Cell]) -> list[Beside]:
    """Returns the study's cells beside the record's, in the study's order, then those of the record alone.

    Args:
        cells: The study's.
        recorded: The record's.
        findings: Cells of several trainings with the same settings, which say how far trainings lie apart
            where the record does not.
    """
    mine, theirs, spreads = ({_place(cell): cell for cell in group} for group in (cells, recorded, findings))
    return [
        Beside(mine.get(key), theirs.get(key), _spread(mine.get(key), theirs.get(key), spreads.get(key)))
        for key in dict.fromkeys([*mine, *theirs])
    ]


def _place(cell: Cell) -> tuple[str, ...]:
    """Returns what a cell is about; its table follows from the prompt set."""
    return cell.prompt_set, cell.subject, cell.method, cell.metric


def _spread(cell: Cell | None, recorded: Cell | None, finding: Cell | None) -> float | None:
    if cell is None or recorded is None:
        return None
    source = recorded if recorded.std_trainings else finding
    if source is None or not source.std_trainings:
        return None
    from scipy.special import stdtrit

    count, here, there = int(source.trainings), int(cell.trainings), int(recorded.trainings)
    quantile = float(stdtrit(count - 1, (1 + CERTAINTY) / 2))
    return quantile * float(source.std_trainings) * math.sqrt(1 / here + 1 / there)


def recorded_cells(root: Path, env: str, revision: str) -> list[Cell]:
    """Returns the cells that a commit records of an environment: its own file, else the one its lock names.

    Raises:
        ProvenanceError: If there is no such commit, or neither git nor DVC's cache has its cells.
    """
    path = cells_path(env)
    text = text_at(root, revision, path)
    if text is None:
        for kept in _in_cache(root, path, revision):
            text = kept.read_text(encoding="utf-8")
    if text is None:
        raise ProvenanceError(
            f"{revision} records no cells of environment '{env}': git does not have {path} there, nor has "
            f"DVC's cache what its {LOCK} names. Name a commit that has them by --rev, or let git keep yours "
            f"(`git add --force {path}`)"
        )
    return parse_cells(text, env)


def findings_env(root: Path, env: str) -> str:
    """Returns the environment that a study's ``evaluation.findings`` names, empty where it names none."""
    from dvc.utils.serialize import parse_yaml

    study = parse_yaml((root / "conf" / env / STUDY_FILE).read_text(encoding="utf-8"), STUDY_FILE)
    return (study.get("evaluation") or {}).get("findings") or ""


def findings_of(root: Path, findings: str, revision: str) -> list[Cell]:
    """Returns the cells of an environment of several trainings, none if there are none.

    They come from the commit, else from the disk.
    """
    path = cells_path(findings)
    text = text_at(root, revision, path)
    if text is None and (root / path).is_file():
        text = (root / path).read_text(encoding="utf-8")
    return parse_cells(text, findings) if text else []


def _in_cache(root: Path, path: str, revision: str) -> Iterator[Path]:
    lock = text_at(root, revision, LOCK)
    for stage in parse_record(lock).writers(path) if lock else ():
        if kept := cached(root, stage.outs[path].md5):
            yield kept
