"""What a training's values depend on, as a key: a record whose key is another one today is stale.

A key has three parts, so that it can be said what has changed:

- ``settings``: the parameters that the training's nodes and all before them read, and how these are connected
- ``code``: the modules of those nodes with all that they import, without comments, docstrings and layout
- ``inputs``: photos, known truth, networks, and the versions of the libraries (``requirements.lock``)

How many trainings a study has, its other sets and its other methods are in no part.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from kedro.pipeline import Node

from hypnos_pipeline.findings.upstream import Upstream
from hypnos_pipeline.stages import Conventions
from hypnos_pipeline.stages.code import Code
from hypnos_pipeline.stages.environments import Environment
from hypnos_pipeline.stages.needs import PARAMETER, module_of
from hypnos_pipeline.storage.hashing import file_sha256
from hypnos_pipeline.study.loading import PROJECT_ROOT
from hypnos_pipeline.study.model import NETWORK

PACKAGE, SOURCE = "hypnos_pipeline", "src"
NO_RESULT = ("errors.py", "progress.py", "configuration")
"""Modules that almost all others import and no value depends on: they word messages and report progress."""
FINDINGS = {"findings"}
"""Keys of ``evaluation`` that no value depends on."""
DIGITS = 16


class Keys:
    """The keys of an environment's trainings.

    Args:
        env: The environment.
        upstream: Its nodes.
        conventions: Of the project's stages.
    """

    def __init__(self, env: Environment, upstream: Upstream, conventions: Conventions) -> None:
        self._env, self._upstream, self._conventions = env, upstream, conventions
        self._code = Code(PACKAGE, SOURCE)
        self._files: dict[frozenset[str], list[str]] = {}

    def of(self, namespace: str) -> dict[str, str]:
        """Returns the key of a training by the namespace of its nodes, as it is now."""
        nodes = self._upstream.behind(namespace)
        made = {name for node in nodes for name in node.outputs}
        read = {name for node in nodes for name in node.inputs} - made
        parameters = {name for name in read if name.startswith(PARAMETER)}
        keys = {name.removeprefix(PARAMETER) for name in parameters} - self._conventions.without_effect
        settings = {key: self._setting(key) for key in keys}
        wiring = sorted((node.name, sorted(node.inputs), sorted(node.outputs)) for node in nodes)
        folders = [settings[key]["folder"] for key in keys if key.startswith(NETWORK.removeprefix(PARAMETER))]
        places = [*map(self._env.path, read - parameters), *folders]
        files = [file for place in sorted(places) for file in _below(self._env.root / place)]
        lock = [PROJECT_ROOT / name for name in self._conventions.always]
        return {
            "settings": _digest([json.dumps([settings, wiring], sort_keys=True)]),
            "code": _digest(map(_plain_code, self._code_files(nodes, read | made))),
            "inputs": _digest(f"{file.name} {file_sha256(file)}" for file in [*files, *lock]),
        }

    def _setting(self, key: str) -> Any:
        value = reduce(lambda below, name: below[name], key.split("."), self._env.parameters)
        if key == "evaluation":
            return {name: each for name, each in value.items() if name not in FINDINGS}
        return value

    def _code_files(self, nodes: Iterable[Node], datasets: Iterable[str]) -> list[Path]:
        modules = {module_of(node.func) for node in nodes}
        for dataset in filter(None, map(self._env.catalog.get, datasets)):
            modules |= {type(dataset).__module__, *self._conventions.modules_of(dataset)}
        known = self._files.setdefault(frozenset(modules), [])
        if not known:
            skipped = tuple(f"{SOURCE}/{PACKAGE}/{name}" for name in NO_RESULT)
            known += [name for name in self._code.files(modules) if not name.startswith(skipped)]
        return [file for name in known for file in _below(PROJECT_ROOT / name)]


def _below(place: Path) -> list[Path]:
    """Returns a file, or the files in a folder and below it, without what Python and editors leave."""
    if not place.is_dir():
        return [place]
    found = sorted(file for file in place.rglob("*") if file.is_file())
    return [file for file in found if file.suffix != ".pyc" and not file.name.startswith(".")]


def _digest(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:DIGITS]


def _plain_code(file: Path) -> str:
    """Returns what of a file of code can have a part in a result."""
    is_code = file.suffix == ".py"
    return f"{file.name} {_code_digest(file, file.stat().st_mtime_ns) if is_code else file_sha256(file)}"


@lru_cache(maxsize=4096)
def _code_digest(file: Path, modified: int) -> str:
    """Hashes a module's code; ``modified`` makes the cache notice a changed one."""
    tree = _WithoutText().visit(ast.parse(file.read_text(encoding="utf-8")))
    return _digest([ast.unparse(tree)])


class _WithoutText(ast.NodeTransformer):
    """Takes out what is a string and nothing else: docstrings."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else self.generic_visit(node)
