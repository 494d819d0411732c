"""What lies behind one cell: its stages, first things first, and what each of them read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypnos_pipeline.errors import Unrecorded
from hypnos_pipeline.provenance.cells import Cell, not_run
from hypnos_pipeline.provenance.record import Record, Recorded, StageRecord, overlap, read_record

Kind = Literal["photo", "true mask", "model", "code", "requirements", "artefact"]

TRUE_MASKS = ("data/01_raw/truth", "data/01_raw/judge")
"""What is known of subjects, for the evaluation alone; older records name the second folder."""
KNOWN = {"true_masks": ("masks/",), "unseen": ("unseen/", "unseen_masks/")}
"""Keys of a subject that name a folder in there, to what is read of it."""
MODEL_FOLDER_KEY = re.compile(r"models\..*\.folder")


@dataclass(frozen=True)
class Input:
    """A file or folder that a stage read.

    Attributes:
        recorded: As it was when the stage ran.
        kind: What it is; ``artefact`` if a stage wrote it.
        producers: Names of the lineage's stages that wrote it, or something in it.
        others: How many other stages wrote into it; their share does not concern the cell.
        parts: Of true masks, the folders within that are the subject's own; none if none is known of it. The
            stages of all subjects depend on the whole, since dvc.yaml cannot leave a key out for some.
    """

    recorded: Recorded
    kind: Kind
    producers: tuple[str, ...] = ()
    others: int = 0
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """Everything behind one cell.

    Attributes:
        cell: The cell.
        table: The ``cells.csv`` it stands in.
        stages: Those that had a part in it, each after those whose outs it read.
        inputs: What each stage read, by the stage's name.
    """

    cell: Cell
    table: Recorded
    stages: list[StageRecord]
    inputs: dict[str, list[Input]]

    def sources(self) -> list[Input]:
        """Returns what no stage wrote, each once: photos, true masks, models, requirements and code."""
        inputs = [each for stage in self.stages for each in self.inputs[stage.name]]
        return list({each.recorded: each for each in inputs if each.kind != "artefact"}.values())


def recorded_lineage(root: Path, cell: Cell) -> tuple[Record, Lineage]:
    """Returns the record in ``root`` and what it says of the cell.

    Raises:
        StudyNotRun: If the study is not recorded, or not all of it; the message says what to run.
    """
    try:
        record = read_record(root)
        return record, lineage(record, cell)
    except FileNotFoundError:
        raise not_run(root, cell.env, "there is no dvc.lock") from None
    except Unrecorded as error:
        raise not_run(root, cell.env, str(error)) from None


def lineage(record: Record, cell: Cell) -> Lineage:
    """Returns the stages and inputs behind one cell.

    A folder that several stages write into is followed only for the cell's own subject and method.

    Raises:
        Unrecorded: If the record lacks the stage that wrote the cells, or something behind them.
    """
    last = record.writers(cell.path)
    if not last:
        raise Unrecorded(f"dvc.lock does not say which stage wrote {cell.path}")
    model_folders = _model_folders(record)
    inputs: dict[str, list[Input]] = {}
    ordered: list[StageRecord] = []

    def visit(stage: StageRecord) -> None:
        inputs[stage.name] = [_input(record, stage, dep, cell, model_folders) for dep in stage.deps.values()]
        for each in inputs[stage.name]:
            for name in each.producers:
                if name not in inputs:
                    visit(record.stages[name])
        ordered.append(stage)

    visit(last[0])
    return Lineage(cell, last[0].outs[cell.path], ordered, inputs)


def works_for(stage: str) -> tuple[str, str, int]:
    """Returns the subject, the method and the training of them that a stage works for, by its name.

    Subject and method are empty where the stage works for all. What trainings share counts as the first's.
    """
    subject, *others = stage.partition("@")[2].split("-")
    training = int(others.pop()) if others and others[-1].isdigit() else 1
    return subject, others[0] if others else "", training


def concerns(stage: str, cell: Cell) -> bool:
    """Whether a stage of this name works for the cell's subject and method, or for all."""
    subject, method, _ = works_for(stage)
    return subject in ("", cell.subject) and method in ("", cell.method)


def _input(record: Record, stage: StageRecord, dep: Recorded, cell: Cell, model_folders: set[str]) -> Input:
    producers = [producer.name for producer in record.producers(dep.path)]
    if not producers:
        kind = _source_kind(dep.path, model_folders)
        return Input(dep, kind, parts=_known_of_subject(stage) if kind == "true mask" else ())
    own = producers if len(producers) == 1 else [name for name in producers if concerns(name, cell)]
    own = own or producers
    return Input(dep, "artefact", tuple(own), len(producers) - len(own))


def _known_of_subject(stage: StageRecord) -> tuple[str, ...]:
    """Returns the folders within the true masks that a stage's parameters name."""
    named = {
        key.rpartition(".")[2]: folder
        for key, folder in stage.leaves().items()
        if key.startswith("subjects.") and folder
    }
    return tuple(f"{named[key]}/{part}" for key, parts in KNOWN.items() if key in named for part in parts)


def _source_kind(path: str, model_folders: set[str]) -> Kind:
    if any(overlap(path, folder) for folder in model_folders) or path.startswith("data/01_raw/models"):
        return "model"
    if any(overlap(path, folder) for folder in TRUE_MASKS):
        return "true mask"
    if path.startswith("data/01_raw/"):
        return "photo"
    if path.startswith("data/"):
        raise Unrecorded(f"dvc.lock does not say which stage wrote {path}")
    return "requirements" if path == "requirements.lock" else "code"


def _model_folders(record: Record) -> set[str]:
    """Returns the folders that the recorded parameters name as models."""
    parameters = [item for stage in record.stages.values() for item in stage.leaves().items()]
    return {value for key, value in parameters if MODEL_FOLDER_KEY.fullmatch(key) and value}
