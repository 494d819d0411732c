"""Everything that is known of one cell, gathered once for all renderings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.provenance.cells import Cell, parse_cells
from hypnos_pipeline.provenance.hashes import cached, intact
from hypnos_pipeline.provenance.history import newest_commit
from hypnos_pipeline.provenance.lineage import Lineage, recorded_lineage
from hypnos_pipeline.provenance.record import Recorded, read_report
from hypnos_pipeline.provenance.state import State, compare


@dataclass(frozen=True)
class Reported:
    """A machine that stages ran on, or a network that they used, as their own reports say.

    Attributes:
        name: A network's name in the configuration; empty for a machine.
        facts: Of a machine ``cpu``, ``device``, ``threads``, ``libraries`` …; of a network ``id``,
            ``revision``, ``sha256``.
        stages: Names of the stages.
    """

    name: str
    facts: dict[str, Any]
    stages: list[str]


@dataclass(frozen=True)
class Trace:
    """One cell and all behind it.

    Attributes:
        cell: The cell as ``cells.csv`` has it now.
        recorded_cell: As the recorded ``cells.csv`` has it; None if that is lost, or has no such cell.
        lineage: Its stages and inputs.
        state: What on disk no longer matches.
        commits: Newest commit that has the code or requirements; None if no commit has them.
        runtime: Recorded ``runtime`` parameters: ``device``, ``threads``, ``precision``.
        machines: Each distinct machine once; empty if the stages recorded none.
        networks: Each distinct network once; empty if the stages recorded none.
    """

    cell: Cell
    recorded_cell: Cell | None
    lineage: Lineage
    state: State
    commits: dict[Recorded, str | None]
    runtime: dict[str, Any]
    machines: list[Reported]
    networks: list[Reported]


def trace(root: Path, cell: Cell) -> Trace:
    """Gathers all that is known of a cell.

    Raises:
        StudyNotRun: If its study is not recorded; the message says what to run.
    """
    record, lineage = recorded_lineage(root, cell)
    code = [each.recorded for each in lineage.sources() if each.kind in ("code", "requirements")]
    reported = _reported(root, lineage)
    return Trace(
        cell=cell,
        recorded_cell=_recorded_cell(root, lineage),
        lineage=lineage,
        state=compare(root, record, lineage),
        commits={each: newest_commit(root, each.path, each.md5) for each in code},
        runtime=_runtime(lineage),
        machines=[each for each in reported if not each.name],
        networks=[each for each in reported if each.name],
    )


def _recorded_cell(root: Path, lineage: Lineage) -> Cell | None:
    path = _as_recorded(root, lineage.table)
    cells = parse_cells(path.read_text(encoding="utf-8"), lineage.cell.env) if path else []
    return next((cell for cell in cells if str(cell) == str(lineage.cell)), None)


def _runtime(lineage: Lineage) -> dict[str, Any]:
    """Returns the recorded runtime parameters; where stages differ, those of the one nearest to the cell."""
    found = {key: value for stage in lineage.stages for key, value in stage.leaves().items()}
    return {key.removeprefix("runtime."): found[key] for key in found if key.startswith("runtime.")}


def _reported(root: Path, lineage: Lineage) -> list[Reported]:
    """Returns what the stages' own reports say, just as recorded, from the cell down."""
    found: list[Reported] = []
    for stage in reversed(lineage.stages):
        for out in stage.outs.values():
            report = read_report(_as_recorded(root, out)) if out.path.endswith(".json") else {}
            for name, facts in {"": report.get("machine"), **report.get("networks", {})}.items():
                if facts is not None:
                    same = [each for each in found if (each.name, each.facts) == (name, facts)]
                    found += [] if same else [Reported(name, facts, [])]
                    (same or found)[-1].stages.append(stage.name)
    return found


def _as_recorded(root: Path, recorded: Recorded) -> Path | None:
    """Returns where a file is just as recorded: on disk, else in DVC's cache, else nowhere."""
    return root / recorded.path if intact(root, recorded) else cached(root, recorded.md5)
