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
from hypnos_pipeline.provenance.lineage import Lineage, works_for
from hypnos_pipeline.provenance.parameters import ABSENT, current
from hypnos_pipeline.provenance.record import Recorded, StageRecord, overlap

WIRING = (".dvcignore", ".telemetry", "pyproject.toml", "conf/base", "conf/logging.yml", "src")
WORKING_TREE = "the working tree"
"""Stands in a commit's place for what lies in the working tree."""


@dataclass(frozen=True)
class Plan:
    """Where everything that some stages read comes from.

    Attributes:
        root: The user's project.
        stages: In the order in which they run.
        sources: Whatever they read that no stage wrote → the commit it comes from, or ``WORKING_TREE``.
        wiring: Likewise, where the wiring comes from.
    """

    root: Path
    stages: list[StageRecord]
    sources: dict[Recorded, str]
    wiring: str


def plan_workspace(root: Path, lineage: Lineage, stages: list[StageRecord]) -> Plan:
    """Finds every input of the stages; writes nothing.

    Raises:
        MissingInputs: If one is nowhere; it names them all.
    """
    inputs = [each for stage in stages for each in lineage.inputs[stage.name] if each.kind != "artefact"]
    sources: dict[Recorded, str] = {}
    missing = []
    for each in dict.fromkeys(each.recorded for each in inputs):
        commit = WORKING_TREE if intact(root, each) else newest_commit(root, each.path, each.md5)
        if commit is None:
            missing.append(f"  {each.path}  md5 {each.md5}\n")
        else:
            sources[each] = commit
    if missing:
        raise MissingInputs(
            f"neither the working tree nor git's history has, as recorded:\n{''.join(missing)}"
            "Put them back, or make the record anew with `kedro repro`."
        )
    code = {each.recorded for each in inputs if each.kind == "code"}
    edited = any(sources[each] != WORKING_TREE for each in code)
    wiring = newest_with_most(root, [(each.path, each.md5) for each in code]) if edited else None
    return Plan(root, stages, sources, wiring or WORKING_TREE)


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
            self._bring(path, plan.wiring)
        for stage in reversed(plan.stages):
            self.prepare(stage)

    def prepare(self, stage: StageRecord) -> None:
        """Puts in place what a stage reads that no stage wrote, exactly as recorded for this very stage.

        Two stages may have read different versions: a record may be of several runs.
        """
        for path in sorted(stage.deps):  # a folder before what is recorded of its inside
            if stage.deps[path] in self._plan.sources:
                self._lay(stage.deps[path])
        for file in {file for each in self._plan.stages for file in each.params}:
            self._write_parameters(file, stage)

    def _bring(self, path: str, commit: str) -> None:
        root, target = self._plan.root, self.folder / path
        # A commit may be older than a file that Kedro needs today.
        if commit == WORKING_TREE or not extract(root, commit, path, target):
            _copy(root, path, target)

    def _lay(self, recorded: Recorded) -> None:
        path = recorded.path
        if self._laid.get(path) == recorded.md5:
            return
        if not intact(self.folder, recorded):
            _remove(self.folder / path)
            self._bring(path, self._plan.sources[recorded])
            if not intact(self.folder, recorded):
                raise ProvenanceError(
                    f"the copy of {path} is not as recorded: it changed just now, or its time stamp hides "
                    "an edit from DVC; `touch` it and start again"
                )
            self._laid = {other: md5 for other, md5 in self._laid.items() if not overlap(other, path)}
        self._laid[path] = recorded.md5

    def _write_parameters(self, file: str, stage: StageRecord) -> None:
        """Writes the recorded values over the file's; a file that has them already stays as it is."""
        from dvc.utils.serialize import MODIFIERS, ParseError

        values = self._trainings(file)
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

    def _trainings(self, file: str) -> dict[str, Any]:
        """Returns the keys that give the stages' trainings their nodes, if the file has them."""
        most = max(works_for(stage.name)[2] for stage in self._plan.stages)
        keys = {"trainings": most, "further_trainings": list(range(2, most + 1))}
        return {key: keys[key] for key in current(self.folder, file, keys)}


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
    from dvc_objects.fs.system import reflink

    found = on_disk(root, path)
    if found is None:
        return
    for name in found.files if found.md5.endswith(".dir") else [""]:
        if ".egg-info/" in f"/{name}":
            continue
        source, copy = root / path / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            reflink(source, copy)
        except OSError:  # another file system, or one that cannot share blocks
            shutil.copyfile(source, copy)
        shutil.copymode(source, copy)
