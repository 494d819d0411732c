"""Everything that is known of one cell, gathered once for all renderings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.provenance.cells import Cell, parse_cells
from hypnos_pipeline.provenance.hashes import cached, intact
from hypnos_pipeline.provenance.history import newest_commit
from hypnos_pipeline.provenance.lineage import Lineage, recorded_lineage
from hypnos_pipeline.provenance.parameters import leaves
from hypnos_pipeline.provenance.record import Recorded
from hypnos_pipeline.provenance.state import Key, State, compare


@dataclass(frozen=True)
class Machine:
    """What stages say that they ran on.

    Attributes:
        stages: Their names.
        facts: ``cpu``, ``device``, ``threads``, ``libraries`` … as in their reports.
    """

    stages: list[str]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Network:
    """A network that stages say they used.

    Attributes:
        stages: Their names.
        name: Its name in the configuration.
        facts: ``id``, ``revision``, ``sha256`` as in their reports.
    """

    stages: list[str]
    name: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Trace:
    """One cell and all behind it.

    Attributes:
        cell: The cell as ``cells.csv`` has it now.
        recorded_cell: As the recorded ``cells.csv`` has it; None if that is lost, or has no such cell.
        lineage: Its stages and inputs.
        state: What on disk no longer matches.
        commits: Newest commit that has the code or requirements by path and md5; None if no commit has them.
        runtime: Recorded ``runtime`` parameters: ``device``, ``threads``, ``precision``.
        machines: Each distinct machine once; empty if the stages recorded none.
        networks: Each distinct network once; empty if the stages recorded none.
    """

    cell: Cell
    recorded_cell: Cell | None
    lineage: Lineage
    state: State
    commits: dict[Key, str | None]
    runtime: dict[str, Any]
    machines: list[Machine]
    networks: list[Network]


def trace(root: Path, cell: Cell) -> Trace:
    """Gathers all that is known of a cell.

    Raises:
        StudyNotRun: If its study is not recorded; the message says what to run.
    """
    record, lineage = recorded_lineage(root, cell)
    sources = [each for each in lineage.sources() if each.kind in ("code", "requirements")]
    commits = {
        (each.recorded.path, each.recorded.md5): newest_commit(root, each.recorded.path, each.recorded.md5)
        for each in sources
    }
    machines, networks = _reported(root, lineage)
    return Trace(
        cell=cell,
        recorded_cell=_recorded_cell(root, lineage),
        lineage=lineage,
        state=compare(root, record, lineage),
        commits=commits,
        runtime=_runtime(lineage),
        machines=machines,
        networks=networks,
    )


def _recorded_cell(root: Path, lineage: Lineage) -> Cell | None:
    path = _as_recorded(root, lineage.table)
    if path is None:
        return None
    cells = parse_cells(path.read_text(encoding="utf-8"), lineage.cell.env)
    same = [cell for cell in cells if str(cell) == str(lineage.cell)]
    return same[0] if same else None


def _runtime(lineage: Lineage) -> dict[str, Any]:
    """Returns the recorded runtime parameters; where stages differ, those of the one nearest to the cell."""
    found: dict[str, Any] = {}
    for stage in lineage.stages:
        for keys in stage.params.values():
            found |= {
                key.removeprefix("runtime."): value
                for key, value in leaves(keys).items()
                if key.startswith("runtime.")
            }
    return found


def _reported(root: Path, lineage: Lineage) -> tuple[list[Machine], list[Network]]:
    """Returns what the stages' own reports say, from the cell down."""
    machines: list[Machine] = []
    networks: list[Network] = []
    for stage in reversed(lineage.stages):
        for out in stage.outs.values():
            report = _report(root, out)
            facts = report.get("machine")
            if isinstance(facts, dict):
                _join(machines, Machine([], facts), stage.name)
            for name, network in (report.get("networks") or {}).items():
                _join(networks, Network([], name, network), stage.name)
    return machines, networks


def _join(known: list[Any], new: Any, stage: str) -> None:
    name = getattr(new, "name", None)
    for each in known:
        if each.facts == new.facts and getattr(each, "name", None) == name:
            each.stages.append(stage)
            return
    new.stages.append(stage)
    known.append(new)


def _report(root: Path, out: Recorded) -> dict[str, Any]:
    """Returns a stage's report exactly as recorded, from the disk or DVC's cache; else nothing."""
    if not out.path.endswith("report.json") and "_reports/" not in out.path:
        return {}
    path = _as_recorded(root, out)
    content = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    return content if isinstance(content, dict) else {}


def _as_recorded(root: Path, recorded: Recorded) -> Path | None:
    """Returns where a file is just as recorded: on disk, else in DVC's cache, else nowhere."""
    if intact(root, recorded.path, recorded.md5):
        return root / recorded.path
    return cached(root, recorded.md5)
