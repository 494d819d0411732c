"""Everything that is known of one cell, gathered once for all renderings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.provenance.cells import Cell, parse_cells
from hypnos_pipeline.provenance.hashes import cached, intact
from hypnos_pipeline.provenance.history import newest_commit
from hypnos_pipeline.provenance.lineage import Lineage, recorded_lineage
from hypnos_pipeline.provenance.record import Recorded, read_json
from hypnos_pipeline.provenance.relevance import own_lineage, serves
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
        lineage: Its stages and inputs, without what serves other cells only.
        state: What on disk no longer matches.
        commits: Newest commit that has the code or requirements; None if no commit has them.
        runtime: Recorded ``runtime`` parameters: ``device``, ``threads``, ``precision``.
        machines: Each distinct machine once; empty if the stages recorded none.
        networks: Each distinct network once; empty if the stages recorded none.
        reports: What the stages reported in JSON files, as recorded: path → content; lost ones are left out.
        extremes: Path and value of the worst and of the best image by the cell's metric; empty if the metric
            has no value of a single image, or the values are lost.
    """

    cell: Cell
    recorded_cell: Cell | None
    lineage: Lineage
    state: State
    commits: dict[Recorded, str | None]
    runtime: dict[str, Any]
    machines: list[Reported]
    networks: list[Reported]
    reports: dict[str, Any]
    extremes: list[tuple[str, float]]


def trace(root: Path, cell: Cell) -> Trace:
    """Gathers all that is known of a cell.

    Raises:
        StudyNotRun: If its study is not recorded; the message says what to run.
    """
    record, whole = recorded_lineage(root, cell)
    lineage = own_lineage(whole)
    code = [each.recorded for each in lineage.sources() if each.kind in ("code", "requirements")]
    reports = _reports(root, lineage)
    reported = _reported(lineage, reports)
    return Trace(
        cell=cell,
        recorded_cell=_recorded_cell(root, lineage),
        lineage=lineage,
        state=compare(root, record, lineage),
        commits={each: newest_commit(root, each.path, each.md5) for each in code},
        runtime=_runtime(lineage),
        machines=[each for each in reported if not each.name],
        networks=[each for each in reported if each.name and serves(each.name, cell)],
        reports=reports,
        extremes=extremes(root, lineage),
    )


def _recorded_cell(root: Path, lineage: Lineage) -> Cell | None:
    path = _as_recorded(root, lineage.table)
    cells = parse_cells(path.read_text(encoding="utf-8"), lineage.cell.env) if path else []
    return next((cell for cell in cells if str(cell) == str(lineage.cell)), None)


def _runtime(lineage: Lineage) -> dict[str, Any]:
    """Returns the recorded runtime parameters; where stages differ, those of the one nearest to the cell."""
    found = {key: value for stage in lineage.stages for key, value in stage.leaves().items()}
    return {key.removeprefix("runtime."): found[key] for key in found if key.startswith("runtime.")}


def _reports(root: Path, lineage: Lineage) -> dict[str, Any]:
    """Returns what the stages wrote as JSON files, just as recorded; those that are lost are left out."""
    outs = [out for stage in lineage.stages for out in stage.outs.values() if out.path.endswith(".json")]
    found = {out.path: read_json(_as_recorded(root, out)) for out in outs}
    return {path: content for path, content in found.items() if content is not None}


def _reported(lineage: Lineage, reports: dict[str, Any]) -> list[Reported]:
    """Returns the machines and networks that the stages' reports name, from the cell down."""
    found: list[Reported] = []
    for stage in reversed(lineage.stages):
        for report in (reports[path] for path in stage.outs if isinstance(reports.get(path), dict)):
            for name, facts in {"": report.get("machine"), **report.get("networks", {})}.items():
                if facts is not None:
                    same = [each for each in found if (each.name, each.facts) == (name, facts)]
                    found += [] if same else [Reported(name, facts, [])]
                    (same or found)[-1].stages.append(stage.name)
    return found


def extremes(root: Path, lineage: Lineage) -> list[tuple[str, float]]:
    """Returns the worst and the best image, see ``Trace.extremes``; the values of an image are averaged."""
    import pandas

    metric = METRICS.get(lineage.cell.metric)
    outs = [out for out in lineage.stages[-1].outs.values() if out.path.endswith(".parquet")]
    path = _as_recorded(root, outs[0]) if outs else None
    samples = [dep.path for dep in lineage.stages[-1].deps.values() if "/samples/" in dep.path]
    if metric is None or path is None or not samples:
        return []
    pairs = pandas.read_parquet(path)
    own = pairs[(pairs["prompt_set"] == lineage.cell.prompt_set) & (pairs["metric"] == metric.name)]
    values = own.groupby("image")["value"].mean().sort_values(ascending=metric.higher_is_better is not False)
    return [
        (f"{samples[0]}/{image}.png", float(values[image]))
        for image in [*values.index[:1], *values.index[-1:]]
    ]


def _as_recorded(root: Path, recorded: Recorded) -> Path | None:
    """Returns where a file is just as recorded: on disk, else in DVC's cache, else nowhere."""
    return root / recorded.path if intact(root, recorded) else cached(root, recorded.md5)
