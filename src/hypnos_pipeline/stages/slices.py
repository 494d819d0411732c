"""Which nodes a stage of ``dvc.yaml`` runs: a slice of a pipeline, for each entry that the stage iterates."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kedro.pipeline import Pipeline

from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.stages.frame import FrameError, Stage
from hypnos_pipeline.stages.parts import Part


@dataclass(frozen=True)
class Slice:
    """What a stage runs for one entry: the nodes of a pipeline with a namespace, a tag or both, or all.

    Attributes:
        env: The environment in which it runs.
        pipeline: The pipeline's name.
        parts: The namespace's parts, none if the stage iterates nothing.
        tag: The tag, empty if none.
    """

    env: Environment
    pipeline: str
    parts: tuple[Part, ...]
    tag: str

    def __str__(self) -> str:
        return (
            f"{'-'.join(part.value for part in self.parts) or self.tag or self.pipeline} in {self.env.name}"
        )

    @cached_property
    def nodes(self) -> Pipeline:
        """Its nodes, none if the pipeline has no such nodes."""
        namespace = ".".join(part.value for part in self.parts)
        whole = self.env.pipelines[self.pipeline].nodes
        found = self.env.slices.get((self.pipeline, namespace), []) if namespace else whole
        return Pipeline([node for node in found if not self.tag or self.tag in node.tags])

    @property
    def command(self) -> str:
        """The command that runs it, as a template."""
        namespace = ".".join(part.template for part in self.parts)
        chosen = f" --namespaces={namespace}" if namespace else ""
        chosen += f" --tags={self.tag}" if self.tag else ""
        return f"kedro run --env=${{env}} --pipelines={self.pipeline}{chosen}"


def slices_of(stage: Stage, env: Environment) -> list[Slice]:
    """Returns what a stage runs for each entry that it iterates, or the one thing if it iterates nothing.

    The longest name of a pipeline that begins the stage's name is its pipeline.

    Raises:
        FrameError: If there is no such pipeline, or no such map or list to iterate among the parameters.
    """
    names = [name for name in env.pipelines if f"{stage.name}_".startswith(f"{name}_")]
    if not names:
        close = difflib.get_close_matches(stage.name, env.pipelines, 1)
        known = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(env.pipelines))}"
        raise FrameError(f"its name begins with no pipeline's name; {known}")
    pipeline = max(names, key=len)
    named = "" if stage.iterates else stage.name.removeprefix(pipeline).removeprefix("_")
    parts = [_parts(template, over, env) for template, over in stage.iterates.items()]
    return [Slice(env, pipeline, each, stage.tag or named) for each in itertools.product(*parts)]


def _parts(template: str, over: Any, env: Environment) -> list[Part]:
    """Reads an iterated map or list; without a template it is iterated by ``foreach``.

    Numbers in a matrix stand behind its key, as ``training_2``: no name of a namespace is a mere number.
    """
    path, entries = "", over
    if isinstance(over, str):
        path, entries = re.sub(r"^\$\{(.*)\}$", r"\1", over), env.parameters
        for key in path.split("."):
            entries = entries.get(key) if isinstance(entries, Mapping) else None
    if isinstance(entries, Mapping):
        fields = {} if template else entries
        return [Part(str(key), template or "${key}", path, fields.get(key) or {}) for key in entries]
    if isinstance(entries, list):
        key = re.sub(r"^\$\{item\.(.*)\}$", r"\1_", template)
        words = [key if template and isinstance(entry, int) else "" for entry in entries]
        return [
            Part(f"{word}{entry}", word + (template or "${item}"), "", {})
            for word, entry in zip(words, entries, strict=True)
        ]
    raise FrameError(f"it iterates {over}, which is no map or list among the parameters of {env.name}")
