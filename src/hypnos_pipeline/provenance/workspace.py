"""A scratch workspace: a project folder with just what the record names behind one cell.

Photos, models and code come from the working tree where their hashes match, else from git; parameters are
the recorded ones. The rest that Kedro needs, the *wiring* (entry points, catalog, registry), has no hash of
its own in the record: it decides what runs, not what comes out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypnos_pipeline.errors import MissingInputs, ProvenanceError
from hypnos_pipeline.provenance.hashes import intact, on_disk
from hypnos_pipeline.provenance.history import extract, newest_commit, newest_with_most
from hypnos_pipeline.provenance.lineage import Lineage
from hypnos_pipeline.provenance.parameters import ABSENT, current
from hypnos_pipeline.provenance.record import Recorded, StageRecord, overlap

WIRING = (".dvcignore", ".telemetry", "pyproject.toml", "conf/base", "conf/logging.yml", "src")
WORKING_TREE = None
"""Stands in a commit's place for what lies in the working tree."""
FICLONE = 0x40049409
"""Linux's request to share a file's blocks until either copy is written."""


@dataclass(frozen=True)
class Plan:
    """Where everything that some stages read comes from.

    Attributes:
        root: The user's project.
        stages: In the order in which they run.
        sources: By the stage's name, what it reads that no stage wrote.
        commits: A source's path and md5 → commit, or ``WORKING_TREE``.
        wiring: Commit of the wiring, or ``WORKING_TREE``.
    """

    root: Path
    stages: list[StageRecord]
    sources: dict[str, list[Recorded]]
    commits: dict[tuple[str, str], str | None]
    wiring: str | None


def plan_workspace(root: Path, lineage: Lineage, stages: list[StageRecord]) -> Plan:
    """Finds every input of the stages; writes nothing.

    Raises:
        MissingInputs: If one is nowhere; it names them all.
    """
    inputs = {stage.name: [i for i in lineage.inputs[stage.name] if i.kind != "artefact"] for stage in stages}
    commits: dict[tuple[str, str], str | None] = {}
    missing = []
    for recorded in {each.recorded: None for several in inputs.values() for each in several}:
        commit = WORKING_TREE
        if _differs(root, recorded):
            commit = newest_commit(root, recorded.path, recorded.md5)
            missing += [recorded] if commit is None else []
        commits[recorded.path, recorded.md5] = commit
    if missing:
        lines = [f"  {each.path}  md5 {each.md5}" for each in missing]
        raise MissingInputs(
            "neither the working tree nor git's history has, as recorded:\n" + "\n".join(lines) + "\n"
            "Put them back, or make the record anew with `dvc repro`."
        )
    code = {
        (each.recorded.path, each.recorded.md5)
        for several in inputs.values()
        for each in several
        if each.kind == "code"
    }
    in_tree = all(commits[key] is WORKING_TREE for key in code)
    wiring = WORKING_TREE if in_tree else newest_with_most(root, code)
    sources = {
        name: sorted((each.recorded for each in several), key=lambda recorded: recorded.path)
        for name, several in inputs.items()
    }
    return Plan(root, stages, sources, commits, wiring)


def _differs(root: Path, recorded: Recorded) -> bool:
    return not intact(root, recorded.path, recorded.md5)


class Workspace:
    """The scratch project; everything in it is a copy, nothing a link.

    Attributes:
        folder: Its root.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        """Builds the workspace.

        Args:
            plan: Where its contents come from.
            folder: To be made.

        Raises:
            ProvenanceError: If a file changes while it is copied, or a parameter file cannot be read.
        """
        self.folder = folder
        self._plan = plan
        self._laid: dict[str, str] = {}
        folder.mkdir(parents=True)
        for path in [*WIRING, *_parameter_places(plan.stages)]:
            self._lay_wiring(path)
        for stage in reversed(plan.stages):
            self.prepare(stage)

    def prepare(self, stage: StageRecord) -> None:
        """Puts in place what a stage reads that no stage wrote, exactly as recorded for this very stage.

        Two stages may have read different versions: a record may be of several runs.
        """
        for recorded in self._plan.sources[stage.name]:
            self._lay(recorded)
        for file in {file for each in self._plan.stages for file in each.params}:
            self._write_parameters(file, stage)

    def _lay_wiring(self, path: str) -> None:
        root, commit = self._plan.root, self._plan.wiring
        # A commit may be older than a file that Kedro needs today.
        if commit is WORKING_TREE or not extract(root, commit, path, self.folder / path):
            _copy(root, path, self.folder / path)

    def _lay(self, recorded: Recorded) -> None:
        path, target = recorded.path, self.folder / recorded.path
        if self._laid.get(path) == recorded.md5:
            return
        if _differs(self.folder, recorded):
            _remove(target)
            commit = self._plan.commits[path, recorded.md5]
            if commit is WORKING_TREE:
                _copy(self._plan.root, path, target)
            else:
                extract(self._plan.root, commit, path, target)
            if _differs(self.folder, recorded):
                raise ProvenanceError(
                    f"the copy of {path} is not as recorded: it changed just now, or its time stamp hides "
                    "an edit from DVC; `touch` it and start again"
                )
            self._laid = {other: md5 for other, md5 in self._laid.items() if not overlap(other, path)}
        self._laid[path] = recorded.md5

    def _write_parameters(self, file: str, stage: StageRecord) -> None:
        """Writes the recorded values over the file's; a file that has them already stays as it is."""
        from dvc.utils.serialize import MODIFIERS, ParseError

        values: dict[str, Any] = {}
        for each in [*self._plan.stages, stage]:  # the stage's own last
            values |= each.params.get(file, {})
        try:
            now = current(self.folder, file, values)
        except ParseError as error:
            raise ProvenanceError(f"{file} cannot be read: {error}") from error
        wrong = {key: value for key, value in values.items() if now.get(key, ABSENT) != value}
        if not wrong:
            return
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with MODIFIERS[path.suffix](str(path)) as content:
            for key in sorted(wrong):  # a map before what is recorded of its inside
                _set(content, key.split("."), wrong[key])


def _parameter_places(stages: Iterable[StageRecord]) -> list[str]:
    """Returns the parameter files, or the folders of their environments."""
    files = {file for stage in stages for file in stage.params}
    return sorted({file if "/" not in file else str(Path(file).parent) for file in files})


def _set(content: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        if not isinstance(content.get(step), dict):
            content[step] = {}
        content = content[step]
    content[steps[-1]] = value


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(root: Path, path: str, target: Path) -> None:
    """Copies a file or folder of the working tree, if it is there, without what ``.dvcignore`` names."""
    found = on_disk(root, path)
    if found is None:
        return
    for name in found.files if found.md5.endswith(".dir") else [""]:
        if ".egg-info/" not in f"/{name}":
            _copy_file(root / path / name if name else root / path, target / name if name else target)


def _copy_file(source: Path, target: Path) -> None:
    import fcntl

    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("wb") as write:
        try:
            fcntl.ioctl(write, FICLONE, read.fileno())
        except OSError:  # another file system, or one that cannot share blocks
            shutil.copyfileobj(read, write, 1 << 20)
    shutil.copymode(source, target)
