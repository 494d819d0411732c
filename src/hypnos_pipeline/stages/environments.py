"""A Kedro project in one environment, and where its datasets are kept."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogProtocol
from kedro.pipeline import Node, Pipeline
from parse import parse

from hypnos_pipeline.stages.parts import Part

ANY = "__any__"
"""Stands in a path for a part that varies by something which the stage does not iterate."""


@dataclass(frozen=True)
class Environment:
    """A project's parameters, catalog and pipelines in one environment, by its folder in ``conf/``."""

    name: str
    root: Path
    parameters: Mapping[str, Any]
    catalog: CatalogProtocol[Any, Any]
    pipelines: Mapping[str, Pipeline]

    @classmethod
    def read(cls, project: Path, name: str) -> Environment:
        """Reads an environment; the pipelines anew, since a project may build them from parameters."""
        bootstrap_project(project)
        with (session := KedroSession.create(project_path=project, env=name)):
            context = session.load_context()
            # as they are in the files: those of the context may have become objects
            parameters = context.config_loader["parameters"]
            return cls(name, project.resolve(), parameters, context.catalog, dict(pipelines))

    @cached_property
    def made(self) -> dict[str, set[str]]:
        """The paths of everything that a pipeline writes, by each folder above them."""
        found: dict[str, set[str]] = defaultdict(set)
        for name in {name for pipeline in self.pipelines.values() for name in pipeline.all_outputs()}:
            path = self.path(name)
            for folder in PurePosixPath(path).parents:
                found[str(folder)].add(path)
        return found

    @cached_property
    def slices(self) -> dict[tuple[str, str], list[Node]]:
        """The nodes of a pipeline in a namespace, by the names of both."""
        found: dict[tuple[str, str], list[Node]] = defaultdict(list)
        for name, pipeline in self.pipelines.items():
            for node in pipeline.nodes:
                for namespace in node.namespace_prefixes:
                    found[name, namespace].append(node)
        return found

    def path(self, name: str) -> str:
        """Returns where a dataset is kept, relative to the project; empty if in no file."""
        if name not in self._paths:
            described = dataset._describe() if (dataset := self.catalog.get(name)) else {}
            path = described.get("filepath") or described.get("path")
            self._paths[name] = (self.root / path).relative_to(self.root).as_posix() if path else ""
        return self._paths[name]

    @cached_property
    def _paths(self) -> dict[str, str]:
        return {}

    def template(self, name: str, parts: tuple[Part, ...]) -> str:
        """Returns a dataset's path with templates for the namespace's parts, ``ANY`` for what else varies.

        The words that the catalog's pattern leaves open are taken in turn for the parts, some of which the
        name may not have.
        """
        pattern = self.catalog.config_resolver.match_dataset_pattern(name)  # pyright: ignore[reportAttributeAccessIssue]
        if pattern is None or (parsed := parse(pattern, name)) is None:
            return self.path(name)
        left_open, number = parsed.named, itertools.count()
        numbered = {
            key: re.sub(r"[^.]+", lambda _: f"__{next(number)}__", words) for key, words in left_open.items()
        }
        path, words = self.path(pattern.format_map(numbered)), ".".join(left_open.values()).split(".")
        leaf = name.rpartition(".")[2]
        for index, word in enumerate(words):
            templates = [part.template_of(word, leaf) for part in parts]
            found = next((place for place, template in enumerate(templates) if template), None)
            path = path.replace(f"__{index}__", ANY if found is None else templates[found])
            parts = parts if found is None else parts[found + 1 :]
        return path
