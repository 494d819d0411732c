"""What the package imports and what ``pyproject.toml`` declares are the same."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NEVER_IMPORTED = {
    "kedro-viz",
    "ruamel-yaml-clib",
    "accelerate",
    "lpips",
    "torchmetrics",
    "clean-fid",
    "pymatting",
}
"""A command of Kedro's, what DVC's parser and diffusers look for, a package read as files, metrics to compare
with, and modules imported by name."""
BY_NAME = {"optimum": ["optimum-quanto"]}
"""Top-level modules of the extras, which need not be installed."""


def imported(source: Path) -> set[str]:
    """Returns the distributions that the modules under a folder import, at their top or in a function."""
    names = set()
    for file in source.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"hypnos_pipeline"}
    known = packages_distributions() | BY_NAME
    return {canonicalize_name(known.get(top, [top])[0]) for top in tops}


def declared(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def test_every_import_is_declared_and_every_declaration_is_used(project_root) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = declared(project["optional-dependencies"]["int8"])
    required, found = declared(project["dependencies"]), imported(project_root / "src")
    assert not found - extras - required
    assert not required - found - NEVER_IMPORTED


@pytest.mark.parametrize("line", ["import onnx", "def late():\n    from onnx.helper import make_node"])
def test_an_import_of_a_library_that_only_the_tests_need_is_found(tmp_path, line) -> None:
    (tmp_path / "module.py").write_text(f"import os\nimport hypnos_pipeline.errors\n{line}\n")
    assert imported(tmp_path) == {"onnx"}
