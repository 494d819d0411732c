"""What a slice reads and writes, as the templates by which a stage of ``dvc.yaml`` names it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypnos_pipeline.stages.environments import ANY
from hypnos_pipeline.stages.frame import OUTPUTS, UNCACHED, FrameError
from hypnos_pipeline.stages.slices import Slice

PARAMETER = "params:"

Needs = dict[str, set[str]]
"""Templates by the stage's key where they belong. Besides, ``uncached``: those of the outputs that DVC leaves
to git, and ``modules``: those that the slice starts from."""


@dataclass(frozen=True)
class Conventions:
    """What a project decides about its stages.

    Attributes:
        parameter_file: From a parameter's key to the file that holds it, as a template.
        always: Files that every stage depends on, e.g. the lock file of the installed packages.
        without_effect: Parameters that no result depends on; stages leave them out.
        files_of: From a parameter's key to the files that it stands for, as templates.
        modules_of: From a dataset to the modules that it uses beside its class's own.
        section: From an output's name and dataset to its key: ``outs``, ``plots`` or ``metrics``.
        uncached: From an output's dataset to whether DVC leaves it to git, by ``cache: false``.
    """

    parameter_file: Callable[[str], str]
    always: tuple[str, ...] = ()
    without_effect: frozenset[str] = frozenset()
    files_of: Callable[[str], Iterable[str]] = lambda key: ()
    modules_of: Callable[[Any], Iterable[str]] = lambda dataset: ()
    section: Callable[[str, Any], str] = lambda name, dataset: "outs"
    uncached: Callable[[Any], bool] = lambda dataset: False


def needs_of(slice_: Slice, conventions: Conventions) -> Needs:
    """Returns what the slice reads and writes.

    Raises:
        FrameError: If there is no such slice, or if a stage cannot name what it reads or writes.
    """
    env, nodes = slice_.env, slice_.nodes
    if not nodes.nodes:
        raise FrameError(f"pipeline {slice_.pipeline} has no nodes for {slice_}")
    inputs, outputs = nodes.inputs(), nodes.all_outputs()
    keys = {name.removeprefix(PARAMETER) for name in inputs if name.startswith(PARAMETER)}
    keys -= conventions.without_effect
    data = {name for name in inputs if not name.startswith(PARAMETER)}
    read = {env.path(name) for name in data}
    needs: Needs = {
        "deps": {_dependency(name, read, slice_) for name in sorted(data)},
        "params": {_parameter(key, slice_) for key in keys},
        **{key: set() for key in (*OUTPUTS, UNCACHED)},
        "modules": {module_of(node.func) for node in nodes.nodes},
    }
    needs["deps"] |= {template for key in keys for template in conventions.files_of(key)}
    for name in outputs:
        if path := env.template(name, slice_.parts):
            if ANY in path:
                raise FrameError(
                    f"it writes {env.path(name)}, which varies by something that it does not iterate"
                )
            dataset = env.catalog.get(name)
            needs[conventions.section(name, dataset)].add(path)
            if conventions.uncached(dataset):
                needs[UNCACHED].add(path)
    for dataset in filter(None, map(env.catalog.get, data | outputs)):
        needs["modules"] |= {type(dataset).__module__, *conventions.modules_of(dataset)}
    return needs


def _dependency(name: str, read: set[str], slice_: Slice) -> str:
    """Returns a dataset's path as a template, of a folder with all its like if it varies otherwise."""
    env = slice_.env
    path, template = env.path(name), env.template(name, slice_.parts)
    if not path:
        raise FrameError(f"it reads {name}, which the catalog keeps in no file")
    if ANY not in template:
        return template
    folder = template.partition(ANY)[0].rpartition("/")[0]
    above = "/".join(path.split("/")[: folder.count("/") + 1])
    if others := sorted(env.made[above] - read):
        raise FrameError(f"it reads {path} and not {others[0]}, but can name only the whole of {folder}")
    return folder


def _parameter(key: str, slice_: Slice) -> str:
    """Returns a parameter's key, with templates where it is an entry that the stage iterates."""
    for part in slice_.parts:
        entry = f"{part.parameter}.{part.value}"
        if part.parameter and f"{key}.".startswith(f"{entry}."):
            return f"{part.parameter}.{part.template}{key.removeprefix(entry)}"
    return key


def module_of(function: Callable[..., Any]) -> str:
    """Returns the module where a node's function is written, be it wrapped or partly applied."""
    while isinstance(function, partial):
        function = function.func
    return inspect.unwrap(function).__module__
