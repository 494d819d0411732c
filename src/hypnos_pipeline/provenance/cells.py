"""The cells of a finished study: reading them, choosing among them, and saying why there is none."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypnos_pipeline.errors import ProvenanceError, StudyNotRun, UnknownWord
from hypnos_pipeline.provenance.hashes import cached
from hypnos_pipeline.provenance.history import newest_commit
from hypnos_pipeline.provenance.record import LOCK, read_record
from hypnos_pipeline.study.environments import DEFAULT, STUDY_FILE, known


@dataclass(frozen=True)
class Cell:
    """One row of ``cells.csv``; every field as the text that stands there, to the last digit.

    Attributes:
        env: The environment of the study.
        table: ``1`` or ``2``, empty for prompt sets that stand in no table.
        prompt_set: Name of the prompt set.
        subject: Name of the subject.
        method: Name of the method.
        metric: Name of the metric.
        mean: The value.
        std: Its standard deviation, empty where the metric has none.
        std_images: The deviation between images, likewise.
        n: Number of pairs or images.
        paper: The paper's value, filled in ``paper`` only.
        trainings: How many trainings the value is the mean of; older files do not say, and hold one.
        std_trainings: The deviation between them, empty for one.
    """

    env: str
    table: str
    prompt_set: str
    subject: str
    method: str
    metric: str
    mean: str
    std: str
    std_images: str
    n: str
    paper: str
    trainings: str = "1"
    std_trainings: str = ""

    @property
    def path(self) -> str:
        """The file it stands in, relative to the project's folder."""
        return cells_path(self.env)

    def __str__(self) -> str:
        where = f"table {self.table} ({self.prompt_set})" if self.table else self.prompt_set
        return f"{where}, {self.subject}, {self.method}, {self.metric}"


def cells_path(env: str) -> str:
    """Returns where the environment's cells stand, relative to the project's folder."""
    return f"data/08_reporting/{env}/cells.csv"


def read_cells(root: Path, env: str) -> list[Cell]:
    """Returns the environment's cells in the file's order.

    Raises:
        UnknownWord: If there is no such environment.
        StudyNotRun: If it has no cells yet; the message says what to run.
    """
    names = known(root)
    if env not in names:
        raise UnknownWord("environment", env, names)
    path = root / cells_path(env)
    if not path.is_file():
        raise not_run(root, env, f"{cells_path(env)} is missing")
    cells = parse_cells(path.read_text(encoding="utf-8"), env)
    if not cells:
        raise not_run(root, env, f"{cells_path(env)} holds no cells")
    return cells


def parse_cells(text: str, env: str) -> list[Cell]:
    """Returns the cells that a ``cells.csv`` holds.

    Raises:
        ProvenanceError: If it has other columns.
    """
    rows = csv.DictReader(io.StringIO(text))
    try:
        return [Cell(env=env, **row) for row in rows]
    except TypeError:  # another set of columns
        raise ProvenanceError(
            f"{cells_path(env)} has the columns {', '.join(rows.fieldnames or [])}; "
            f"expected {', '.join(name for name in Cell.__dataclass_fields__ if name != 'env')}"
        ) from None


def select(cells: Sequence[Cell], words: Mapping[str, str | None]) -> list[Cell]:
    """Returns the cells that all given words name.

    Args:
        cells: Of one study.
        words: Any of ``table``, ``prompt_set``, ``subject``, ``method``, ``metric``; None names all.

    Raises:
        UnknownWord: If no cell at all has the word.
    """
    given = {kind: word for kind, word in words.items() if word is not None}
    for kind, word in given.items():
        known = list(dict.fromkeys(getattr(cell, kind) for cell in cells if getattr(cell, kind)))
        if word not in known:
            raise UnknownWord(kind, word, known)
    return named(cells, words)


def named(cells: Sequence[Cell], words: Mapping[str, str | None]) -> list[Cell]:
    """Returns the cells that all given words name, as in :func:`select`, maybe none."""
    given = {kind: word for kind, word in words.items() if word is not None}
    return [cell for cell in cells if all(getattr(cell, kind) == word for kind, word in given.items())]


def not_yet_run(root: Path, env: str, error: UnknownWord) -> ProvenanceError:
    """Returns the error, or what to run if the word is configured and only has no cell yet."""
    from dvc.utils.serialize import parse_yaml

    text = (root / "conf" / env / STUDY_FILE).read_text(encoding="utf-8")
    study = parse_yaml(text, STUDY_FILE)
    families = (study.get("methods") or {}).values()
    configured = {
        "prompt_set": list(study.get("prompt_sets") or {}),
        "subject": list(study.get("subjects") or {}),
        "method": [method for family in families for method in family or {}],
        "metric": (study.get("evaluation") or {}).get("metrics") or [],
    }
    if error.word not in configured.get(error.kind, []):
        return error
    kind = error.kind.replace("_", " ")
    return not_run(root, env, f"{kind} '{error.word}' is configured but has no cell yet")


def not_run(root: Path, env: str, why: str) -> StudyNotRun:
    """Returns the error that says what to run so that the environment's study is there and recorded."""
    chosen = chosen_environment(root)
    ways = []
    if not (root / cells_path(env)).is_file() and (back := way_back(root, cells_path(env))):
        ways.append(f"{back}    (puts back what dvc.lock records)")
    elif (root / cells_path(env)).is_file():
        ways.append("dvc commit --force    (records what is on disk, if that is one whole run's)")
    if env == chosen == DEFAULT:
        ways.append("make run    (sets up, then kedro repro)")
    ways.append(f"kedro run --env={env} --pipeline=full && dvc commit --force")
    ways.append("kedro repro    (on all cores, only what changed, and records it)")
    if _has_remote(root):
        ways.append("dvc pull    (fetches what dvc.lock records from the remote)")
    lines = [f"the study of environment '{env}' has not run here, or is not recorded: {why}."]
    if chosen and chosen != env:
        lines.append(f"dvc.yaml chooses the environment '{chosen}'; name '{env}' in its vars first.")
    lines.append("Then run one of" if chosen and chosen != env else "Run one of")
    return StudyNotRun("\n  ".join(["\n".join(lines), *ways]))


def chosen_environment(root: Path) -> str | None:
    """Returns the environment that the head of ``dvc.yaml`` names, None if it names none."""
    from dvc.utils.serialize import parse_yaml

    path = root / "dvc.yaml"
    if not path.is_file():
        return None
    entries = parse_yaml(path.read_text(encoding="utf-8"), "dvc.yaml").get("vars") or []
    names = [entry["env"] for entry in entries if isinstance(entry, dict) and "env" in entry]
    return names[0] if names else None


def way_back(root: Path, path: str) -> str | None:
    """Returns the command that puts a file back as recorded; None if neither git nor DVC's cache has it."""
    if not (root / LOCK).is_file():
        return None
    for md5 in (stage.outs[path].md5 for stage in read_record(root).writers(path)):
        if commit := newest_commit(root, path, md5):
            return f"git checkout {commit[:12]} -- {path}"
        if cached(root, md5):
            return f"dvc checkout {path}"
    return None


def _has_remote(root: Path) -> bool:
    from dvc.config import Config

    dvc_dir = root / ".dvc"
    return dvc_dir.is_dir() and bool(Config(str(dvc_dir)).get("remote"))
