"""``dvc.yaml`` as it is and as the pipelines would have it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework.startup import bootstrap_project

from hypnos_pipeline.stages.code import Code
from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.stages.frame import FILLED, OUTPUTS, UNCACHED, Contents, DvcFile, FrameError, Stage
from hypnos_pipeline.stages.needs import Conventions, needs_of
from hypnos_pipeline.stages.slices import Slice, slices_of

COMMAND = "kedro run"
KINDS = ("command", "dependency", "parameter", "output", "plot", "metric")


@dataclass(frozen=True)
class Comparison:
    """How ``dvc.yaml`` differs from the pipelines.

    Attributes:
        text: ``dvc.yaml`` with every stage filled in, except those that cannot be.
        differences: What that changes, a line for each dependency, parameter or output.
        problems: What only a person can fix: stages that cannot be filled in, and nodes of the default
            pipeline that no stage or more than one runs.
    """

    text: str
    differences: list[str]
    problems: list[str]


def compare(project: Path, environments: Iterable[str], conventions: Conventions) -> Comparison:
    """Computes every stage from the pipelines, catalog, parameters and imports of a project.

    Args:
        project: The project's folder.
        environments: Names of folders in ``conf/``; the stages must hold in all of them.
        conventions: What the project decides about its stages.

    Raises:
        FrameError: If ``dvc.yaml`` cannot be read.
    """
    file = DvcFile((project / "dvc.yaml").read_text(encoding="utf-8"))
    loaded = [Environment.read(project, name) for name in environments]
    metadata = bootstrap_project(project)
    code = Code(metadata.package_name, metadata.source_dir.relative_to(metadata.project_path).as_posix())
    runs = Counter(
        {(env.name, node.name): 0 for env in loaded for node in env.pipelines["__default__"].nodes}
    )
    contents: dict[str, Contents] = {}
    differences, problems = [], []
    for stage in file.stages:
        command = str(stage.present.get("cmd", ""))
        if command and not command.startswith(COMMAND):
            continue
        try:
            slices = [each for env in loaded for each in slices_of(stage, env)]
            runs.update((each.env.name, node.name) for each in slices for node in each.nodes.nodes)
            if slices or not command:
                contents[stage.name] = _contents(slices, code, conventions)
                differences += _differences(stage, contents[stage.name])
            else:
                contents[stage.name] = stage.contents
        except FrameError as error:
            problems.append(f"{stage.name}: {error}")
    for (env, node), number in runs.items():
        if number != 1:
            problems.append(f"{node}: run by {f'{number} stages' if number else 'no stage'} in {env}")
    return Comparison(file.filled(contents), differences, problems)


def _contents(slices: Sequence[Slice], code: Code, conventions: Conventions) -> Contents:
    if not slices:
        raise FrameError("it iterates nothing in any environment, so what it needs is not known")
    needs = [needs_of(each, conventions) for each in slices]
    common = {
        key: _common(slices, [each[key] for each in needs]) for key in ("deps", "params", *OUTPUTS, UNCACHED)
    }
    params: dict[str, list[str]] = defaultdict(list)
    for key in sorted(common["params"]):
        params[conventions.parameter_file(key)].append(key)
    modules = {module for each in needs for module in each["modules"]}
    return {
        "cmd": slices[0].command,
        "deps": [
            *sorted(common["deps"], key=lambda path: (path.startswith("$"), path)),
            *conventions.always,
            *code.files(modules, whole=f"{code.package}.pipelines.{slices[0].pipeline}"),
        ],
        "params": dict(sorted(params.items())),
        **{key: sorted(common[key]) for key in (*OUTPUTS, UNCACHED)},
    }


def _common(slices: Sequence[Slice], needs: Sequence[set[str]]) -> set[str]:
    """Returns the templates that all slices need, ``${env}`` where paths differ by the environment's name."""
    several = len({each.env.name for each in slices}) > 1
    fixed = set.intersection(*needs) if several else set()
    templates = [
        {name if name in fixed else _with_env(name, each.env.name) for name in names}
        for each, names in zip(slices, needs, strict=True)
    ]
    for each, names in zip(slices, templates, strict=True):
        for name in sorted(names ^ templates[0]):
            has, lacks = (each, slices[0]) if name in names else (slices[0], each)
            raise FrameError(f"{name} is needed for {has}, not for {lacks}, but all must need the same")
    return templates[0]


def _with_env(path: str, env: str) -> str:
    first, *folders = path.split("/")
    return "/".join([first, *("${env}" if folder == env else folder for folder in folders)])


def _differences(stage: Stage, contents: Contents) -> list[str]:
    lines = []
    for key, kind in zip(FILLED, KINDS, strict=True):
        present, computed = _named(stage.present.get(key)), _named(contents[key])
        lines += [f"{kind} {name} is missing" for name in computed if name not in present]
        lines += [f"{kind} {name} is superfluous" for name in present if name not in computed]
    present = _named([stage.present.get(key) or [] for key in OUTPUTS])
    without = [path for path in contents[UNCACHED] if path in present and path not in stage.settings]
    lines += [f"cache: false of output {path} is missing" for path in without]
    return [f"{stage.name}: {line}" for line in lines]


def _named(value: Any) -> list[str]:
    """Returns what a stage's key names: paths without their settings, parameters with their file."""
    if isinstance(value, list):
        return [name for each in value for name in _named(each)]
    if isinstance(value, Mapping):
        pairs = [(name, below if isinstance(below, list) else [""]) for name, below in value.items()]
        return [f"{key} of {name}" if key else name for name, keys in pairs for key in keys]
    return [value] if value else []
