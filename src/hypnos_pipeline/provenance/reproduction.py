"""One cell again from the raw photos: the recorded commands on the recorded inputs, in a scratch folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hypnos_pipeline.errors import ProvenanceError, UndefinedCell, UnknownWord
from hypnos_pipeline.provenance.cells import Cell, cells_path, way_back
from hypnos_pipeline.provenance.comparison import Reproduction, compare_numbers, read_numbers
from hypnos_pipeline.provenance.hashes import as_recorded
from hypnos_pipeline.provenance.lineage import Lineage, recorded_lineage
from hypnos_pipeline.provenance.record import StageRecord, read_record
from hypnos_pipeline.provenance.relevance import evaluations, needed_stages, scores
from hypnos_pipeline.provenance.scratch import Scratch, scratch
from hypnos_pipeline.provenance.workspace import Workspace, plan_workspace

EQUAL, DIFFERENT, MISSING, ELSEWHERE = 0, 1, 2, 3
"""Exit statuses: the same number; another one; inputs found nowhere; another one on another machine."""
TAIL = 20
"""Lines of a failed stage's log that are shown."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """What came of a reproduction.

    Attributes:
        status: The exit status.
        text: For a person.
    """

    status: int
    text: str


def check_table(root: Path, env: str) -> None:
    """Refuses a ``cells.csv`` that is not the recorded one.

    Where there is no table or no record, other checks say what to run.

    Raises:
        ProvenanceError: If its hash is not the one that ``dvc.lock`` names; the message says how to fix it.
    """
    path = cells_path(env)
    if not (root / path).is_file() or not (root / "dvc.lock").is_file():
        return
    # Read anew: DVC's memory of hashes goes by time stamps, and this is where a forgery would be.
    found = hashlib.md5((root / path).read_bytes(), usedforsecurity=False).hexdigest()
    for recorded in (stage.outs[path] for stage in read_record(root).writers(path)):
        if found != recorded.md5:
            back = way_back(root, path)
            raise ProvenanceError(
                f"{path} is not the one that dvc.lock names: its md5 is {found}, recorded is "
                f"{recorded.md5}. Nothing was run.\n"
                + (f"  {back}    puts the recorded table back\n" if back else "")
                + "  kedro repro    makes the table anew where its inputs changed\n"
                "  dvc commit    records the table on disk"
            )


def reproduce(
    root: Path,
    cell: Cell,
    *,
    training: int | None = None,
    tolerance: float,
    keep: bool,
    progress: Say,
    say: Say,
) -> Verdict:
    """Makes a cell again and compares it with the recorded one; touches nothing in the user's project.

    Args:
        root: The user's project.
        cell: A row of its ``cells.csv``.
        training: Only this training of its method, by its number, compared with its recorded scores; None for
            all of them, of whose means the cell is the mean.
        tolerance: How far another machine's numbers may be off, see ``Number.within``.
        keep: Leave the scratch folder.
        progress: Takes each stage's number and name when it begins, its time and a line feed when it ends.
        say: Takes the messages that are always shown.

    Returns:
        What came of it.

    Raises:
        MissingInputs: If an input is found nowhere.
        ProvenanceError: If it cannot begin or a stage fails.
    """
    check_table(root, cell.env)
    _, lineage = recorded_lineage(root, cell)
    lineage = lineage if training is None else _one_training(root, lineage, training)
    stages = needed_stages(lineage, training)
    _check_links(stages)
    plan = plan_workspace(root, lineage, stages)
    with scratch(root, keep) as opened:
        if keep:
            say(f"The scratch folder stays: {opened.folder}")
        workspace = Workspace(plan, opened.folder / "project")
        for number, stage in enumerate(stages, start=1):
            workspace.prepare(stage)
            progress(f"{number}/{len(stages)} {stage.name} …")
            progress(f" {_run(opened, workspace.folder, stage):.1f} s\n")
        made = Reproduction(root, workspace.folder, stages, spare=opened.folder / "recorded")
        return _verdict(made, lineage, training, tolerance)


def _one_training(root: Path, lineage: Lineage, training: int) -> Lineage:
    """Returns the lineage with a training's own numbers in the cell, as its recorded scores have them."""
    measured = evaluations(lineage)
    if training not in measured:
        raise UnknownWord("training", str(training), list(map(str, measured)))
    recorded = scores(measured[training])
    assert recorded is not None
    path = as_recorded(root, recorded)
    if path is None:
        raise ProvenanceError(
            f"{recorded.path} is not at hand as recorded; training {training} is compared with it. "
            f"Put it back with `dvc checkout {recorded.path}`"
        )
    if (numbers := read_numbers([path], lineage.cell)) is None:
        raise UndefinedCell(f"undefined: {recorded.path} has no such row")
    return replace(lineage, cell=replace(lineage.cell, **numbers, trainings="1"))


def _check_links(stages: list[StageRecord]) -> None:
    """Refuses a record in which a stage read another version of an artefact than the one recorded for it."""
    written = {path: (stage.name, out.md5) for stage in stages for path, out in stage.outs.items()}
    for stage in stages:
        for dep in stage.deps.values():
            writer, md5 = written.get(dep.path, ("", dep.md5))
            if md5 != dep.md5:
                raise ProvenanceError(
                    f"dvc.lock contradicts itself: {stage.name} read {dep.path} with md5 {dep.md5}, "
                    f"but {writer} wrote it with md5 {md5}. Nothing was run.\n"
                    "`kedro repro` brings the record back into order."
                )


def _run(opened: Scratch, project: Path, stage: StageRecord) -> float:
    """Runs one stage and returns the seconds it took."""
    log = opened.folder / "logs" / f"{stage.name}.log"
    began = time.monotonic()
    status = opened.run(stage.cmd, project, log)
    missing = [path for path in stage.outs if not (project / path).exists()]
    if status or missing:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
        why = f"ended with status {status}" if status else f"did not write {', '.join(missing)}"
        shown = "\n".join(f"  {line}" for line in lines)
        raise ProvenanceError(f"stage {stage.name} {why}: {stage.cmd}\n{shown}")
    return time.monotonic() - began


def _verdict(made: Reproduction, lineage: Lineage, training: int | None, tolerance: float) -> Verdict:
    """Compares a finished reproduction with the record."""
    stages = [stage for number, stage in evaluations(lineage).items() if training in (None, number)]
    measured = [recorded.path for stage in stages if (recorded := scores(stage))]
    reproduced = read_numbers([made.project / path for path in measured], lineage.cell)
    numbers = compare_numbers(lineage.cell, reproduced)
    differing, unknown = made.machine_differences()
    lines = [f"  {number}" for number in numbers if number.recorded or number.reproduced]
    lines += [f"  machine: {line}" for line in differing] + [f"  machine unknown: {line}" for line in unknown]
    elsewhere = bool(differing or unknown)
    if all(number.equal for number in numbers):
        status, text = EQUAL, "reproduced to the last digit"
        text += ", on another machine" if differing else ""
    else:
        parting = made.first_parting(reports=not elsewhere)
        if elsewhere:
            within = "within" if all(number.within(tolerance) for number in numbers) else "BEYOND"
            status = ELSEWHERE
            text = f"other digits, on another or unknown machine, {within} the tolerance of {tolerance:g}"
        else:
            status, text = DIFFERENT, "NOT reproduced, on the same kind of machine"
            parting = parting or _parting_in_reporting(made, lineage, reproduced, ", ".join(measured))
        lines += [f"  the chains part at {parting}"] if parting else []
    which = f", training {training}" if training is not None else ""
    return Verdict(status, "\n".join([f"{lineage.cell}{which}: {text}", *lines]))


def _parting_in_reporting(
    made: Reproduction, lineage: Lineage, reproduced: dict[str, str] | None, measured: str
) -> str:
    """Names the reporting stage's file whose row does not follow from the scores."""
    for stage in lineage.stages:
        for recorded in stage.outs.values() if stage.name.startswith("reporting") else ():
            copy = made.recorded_copy(recorded) if recorded.path.endswith(".csv") else None
            row = read_numbers([copy], lineage.cell) if copy else None
            if row is not None and row != reproduced:
                return f"{recorded.path} (stage {stage.name}): its row is not the one in {measured}"
    return f"{lineage.table.path}: its row is not the one in {measured}"
