"""Everything that is known of one cell, gathered once for all renderings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.metrics.registry import METRICS
from hypnos_pipeline.provenance.cells import Cell, parse_cells
from hypnos_pipeline.provenance.comparison import read_numbers
from hypnos_pipeline.provenance.hashes import as_recorded
from hypnos_pipeline.provenance.history import newest_commit, text_as_recorded
from hypnos_pipeline.provenance.lineage import Lineage, recorded_lineage
from hypnos_pipeline.provenance.record import Recorded, StageRecord, read_json
from hypnos_pipeline.provenance.relevance import evaluations, own_lineage, scores, serves
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
class Training:
    """One of the trainings whose mean the cell is.

    Attributes:
        number: From 1.
        mean: Its own value as its scores have it; empty if they are lost, or the cell is undefined there.
        model: The folder of what it trained; empty if nothing was trained.
        samples: The folder of its images.
        scores: The file of its scores.
    """

    number: int
    mean: str
    model: str
    samples: str
    scores: str


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
        trainings: In the order of their numbers.
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
    trainings: list[Training]
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
        trainings=_trainings(root, lineage),
        extremes=extremes(root, lineage),
    )


def _recorded_cell(root: Path, lineage: Lineage) -> Cell | None:
    path = as_recorded(root, lineage.table)
    text = path.read_text(encoding="utf-8") if path else text_as_recorded(root, lineage.table)
    cells = parse_cells(text, lineage.cell.env) if text else []
    return next((cell for cell in cells if str(cell) == str(lineage.cell)), None)


def _runtime(lineage: Lineage) -> dict[str, Any]:
    """Returns the recorded runtime parameters; where stages differ, those of the one nearest to the cell."""
    found = {key: value for stage in lineage.stages for key, value in stage.leaves().items()}
    return {key.removeprefix("runtime."): found[key] for key in found if key.startswith("runtime.")}


def _reports(root: Path, lineage: Lineage) -> dict[str, Any]:
    """Returns what the stages wrote as JSON files, just as recorded; those that are lost are left out."""
    outs = [out for stage in lineage.stages for out in stage.outs.values() if out.path.endswith(".json")]
    found = {out.path: read_json(as_recorded(root, out)) for out in outs}
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


def _trainings(root: Path, lineage: Lineage) -> list[Training]:
    stages = {stage.name: stage for stage in lineage.stages}
    found: list[Training] = []
    for number, stage in evaluations(lineage).items():
        measured = scores(stage)
        assert measured is not None
        path = as_recorded(root, measured)
        numbers = read_numbers([path], lineage.cell) if path else None
        samples = _samples(stage)
        behind = {name for each in lineage.inputs[stage.name] for name in each.producers}
        sampled = [stages[name] for name in behind if samples in stages[name].outs]
        models = [dep for sampling in sampled for dep in sampling.deps if dep.startswith("data/06_models/")]
        mean = numbers["mean"] if numbers else ""
        found.append(Training(number, mean, "".join(models[:1]), samples, measured.path))
    return found


def _samples(evaluation: StageRecord) -> str:
    """Returns the folder of the images that a stage measured, empty if there is none."""
    return next((path for path in evaluation.deps if "/samples/" in path), "")


def extremes(root: Path, lineage: Lineage) -> list[tuple[str, float]]:
    """Returns the worst and the best image, see ``Trace.extremes``; the values of an image are averaged."""
    metric = METRICS.get(lineage.cell.metric)
    if metric is None:
        return []
    values: dict[str, float] = {}
    for stage in evaluations(lineage).values():
        values |= _values_of_images(root, stage, lineage.cell)
    ordered = sorted(values.items(), key=lambda item: item[1], reverse=metric.higher_is_better is False)
    return [*ordered[:1], *ordered[-1:]]


def _values_of_images(root: Path, evaluation: StageRecord, cell: Cell) -> dict[str, float]:
    """Returns the value of each image that a stage measured, by the image's path; none if they are lost."""
    import pandas

    outs = [out for out in evaluation.outs.values() if out.path.endswith(".parquet")]
    path, samples = as_recorded(root, outs[0]) if outs else None, _samples(evaluation)
    if path is None or not samples:
        return {}
    pairs = pandas.read_parquet(path)
    own = pairs[(pairs["prompt_set"] == cell.prompt_set) & (pairs["metric"] == cell.metric)]
    means = own.groupby("image")["value"].mean()
    return {f"{samples}/{image}.png": float(value) for image, value in means.items()}
