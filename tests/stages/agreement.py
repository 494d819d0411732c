"""Whether dvc.yaml says of every stage what its Kedro slice reads and writes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import grimp
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from dvc.stage import Stage
from kedro.pipeline import Pipeline

from hypnos_pipeline.datasets import TensorsDataset
from hypnos_pipeline.pipeline_registry import STAGES
from hypnos_pipeline.study.model import Study
from tests.end_to_end.shrunken import opened

PACKAGE = "hypnos_pipeline"
CODE = f"src/{PACKAGE}"
LOCK = "requirements.lock"
WITHOUT_EFFECT = {"checkpoints"}
"""Parameters that no result depends on (tests/end_to_end/test_resume.py): a change of them reruns nothing."""
COMMAND = re.compile(
    r"kedro run --env=(?P<env>\S+) --pipelines=(?P<pipeline>\w+)"
    r"(?: --namespaces=(?P<namespace>\S+)| --tags=(?P<tag>\w+))"
)


@dataclass
class Named:
    """What one stage, or one slice, names; paths are relative to the project."""

    data: set[str] = field(default_factory=set)
    params: set[str] = field(default_factory=set)
    outs: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)


def disagreements(project: Path, env: str) -> list[str]:
    """Returns one line per fault of ``dvc.yaml`` in a project folder, none if the two agree."""
    with opened(project, env) as session:
        context = session.load_context()
        study = Study.from_parameters(context.params)
        pipelines = {name: stage.create_pipeline(study) for name, stage in STAGES.items()}
        paths = _Paths(context.catalog, project.resolve())
        made = {paths.of(name) for each in pipelines.values() for name in each.all_outputs()}
        faults: list[str] = []
        run: dict[str, list[str]] = {node.name: [] for each in pipelines.values() for node in each.nodes}
        for stage in Repo(str(project)).index.stages:
            command = COMMAND.fullmatch(str(stage.cmd))
            if command is None or command["env"] != env or command["pipeline"] not in pipelines:
                faults.append(f"{stage.name}: the command {stage.cmd!r} is no slice of {env}")
                continue
            slice_ = _slice(pipelines[command["pipeline"]], command)
            for node in slice_.nodes:
                run[node.name].append(stage.name)
            read = _of_slice(slice_, command["pipeline"], study, paths)
            faults += [f"{stage.name}: {fault}" for fault in _compare(stage, read, made)]
        faults += [f"{node}: run by {by or 'no stage'}" for node, by in run.items() if len(by) != 1]
    return faults


class _Paths:
    """Where the catalog keeps things, relative to the project."""

    def __init__(self, catalog: Any, root: Path) -> None:
        self.catalog, self.root = catalog, root

    def of(self, name: str) -> str:
        path = Path(self.catalog.get(name)._describe()["filepath"])
        return path.relative_to(self.root).as_posix() if path.is_absolute() else path.as_posix()

    def modules(self, names: Iterable[str]) -> set[str]:
        """Modules of the dataset classes, and of what they build from a dotted name."""
        datasets = [self.catalog.get(name) for name in names]
        found = {type(dataset).__module__ for dataset in datasets}
        holders = {each._holder for each in datasets if isinstance(each, TensorsDataset) and each._holder}
        return found | {holder.rpartition(".")[0] for holder in holders}


def _slice(pipeline: Pipeline, command: re.Match[str]) -> Pipeline:
    if command["namespace"]:
        return pipeline.filter(node_namespaces=[command["namespace"]])
    return pipeline.only_nodes_with_tags(command["tag"])


def _of_slice(pipeline: Pipeline, name: str, study: Study, paths: _Paths) -> Named:
    """What a slice reads and writes by the catalog; a network's parameter stands for its folder too."""
    params = {name.removeprefix("params:") for name in pipeline.inputs() if name.startswith("params:")}
    params -= WITHOUT_EFFECT
    datasets = {name for name in pipeline.inputs() if not name.startswith("params:")}
    networks = [key.removeprefix("models.") for key in params if key.startswith("models.")]
    folders = {getattr(study.models, name).folder for name in networks} - {None}
    outputs = pipeline.all_outputs()
    return Named(
        data={paths.of(name) for name in datasets} | folders,
        params=params,
        outs={paths.of(name) for name in outputs},
        modules=_imported({f"{PACKAGE}.pipelines.{name}.nodes"} | paths.modules(datasets | outputs)),
    )


def _compare(stage: Stage, read: Named, made: set[str]) -> list[str]:
    root = Path(stage.repo.root_dir)
    deps = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    paths = {PurePosixPath(dep.fs_path).relative_to(root.as_posix()).as_posix() for dep in deps}
    code = {path for path in paths if path.startswith(f"{CODE}/")}
    # A folder that no dataset is, as all methods' samples, stands for every artefact in it.
    data = set()
    for path in paths - code - {LOCK}:
        data |= {path} if path in read.data else _below(path, made) or {path}
    params = {key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params}
    outs = {Path(out.fs_path).relative_to(root).as_posix() for out in stage.outs}
    faults = [*_differ("dependency", data, read.data), *_differ("parameter", params, read.params)]
    faults += [*_differ("output", outs, read.outs), *_code_faults(code, read.modules)]
    return faults + ([] if LOCK in paths else [f"dependency {LOCK} is missing"])


def _differ(kind: str, named: set[str], read: set[str]) -> list[str]:
    missing = [f"{kind} {name} is missing" for name in sorted(read - named)]
    return missing + [f"{kind} {name} is not the slice's" for name in sorted(named - read)]


def _code_faults(code: set[str], modules: set[str]) -> list[str]:
    """Every imported module lies under a dependency, and under every dependency lies an imported one."""
    files = {f"src/{module.replace('.', '/')}.py" for module in modules}
    uncovered = sorted(file for file in files if not any(file == c or _below(c, {file}) for c in code))
    idle = sorted(c for c in code if c not in files and not _below(c, files))
    missing = [f"code {file} is imported but missing" for file in uncovered]
    return missing + [f"code {path} is not imported" for path in idle]


def _below(folder: str, paths: set[str]) -> set[str]:
    return {path for path in paths if path.startswith(f"{folder}/")}


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE)


def _imported(roots: set[str]) -> set[str]:
    """Returns the project's modules that these import, also inside functions; packages' own files aside."""
    graph, found, open_ = _graph(), set(), set(roots)
    while open_:
        module = open_.pop()
        found.add(module)
        open_ |= graph.find_modules_directly_imported_by(module) - found
    return {module for module in found if not graph.find_children(module)}
