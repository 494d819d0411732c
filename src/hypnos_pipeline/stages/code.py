"""The files of a package that some of its modules depend on."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path

import grimp


class Code:
    """The import graph of a top-level package, and where its files are.

    Args:
        package: The package's name.
        source: The folder that holds it, relative to the project, e.g. ``src``.
    """

    def __init__(self, package: str, source: str) -> None:
        self.package, self._source = package, source
        self._root = Path(importlib.util.find_spec(package).origin).parents[1]
        self._graph = grimp.build_graph(package, cache_dir=None, exclude_type_checking_imports=True)

    def files(self, modules: Iterable[str], whole: str = "") -> list[str]:
        """Returns the files and folders of these modules and of all modules of the package that they import.

        An import inside a function counts, and so does a module named in a string, as ``"package.module"`` or
        ``"package.module:function"``; an import for type checkers alone does not. A package is named by its
        folder if all of its modules are among them. Otherwise each module is named, with the files beside it
        that are not Python, which it may read, and an ``__init__.py`` only if it is imported by name.

        Args:
            modules: Names of modules; those of other packages are ignored.
            whole: A package to name by its folder in any case, unless there is none of this name.
        """
        found, to_visit = set(), set(modules) & self._graph.modules
        while to_visit:
            found.add(module := to_visit.pop())
            to_visit |= self._imported(module) - found
        if whole in self._graph.modules:
            found |= {whole, *self._graph.find_descendants(whole)}
        return sorted({path for module in found for path in self._named(module, found)})

    def _imported(self, module: str) -> set[str]:
        strings = re.findall(
            rf"[\"']({self.package}[.\w]+)[:\"']", self._file(module).read_text(encoding="utf-8")
        )
        return self._graph.find_modules_directly_imported_by(module) | set(strings) & self._graph.modules

    def _named(self, module: str, found: set[str]) -> list[str]:
        """Returns the outermost package that is named whole, else the module's file and data."""
        names = module.split(".")
        for package in (".".join(names[:depth]) for depth in range(2, len(names) + 1)):
            modules = self._graph.find_descendants(package)
            if modules and {each for each in modules if not self._graph.find_children(each)} <= found:
                return [self._relative(self._root.joinpath(*package.split(".")))]
        file = self._file(module)
        return [self._relative(path) for path in (file, *filter(_is_data, file.parent.iterdir()))]

    def _file(self, module: str) -> Path:
        path = self._root.joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def _relative(self, path: Path) -> str:
        return "/".join(filter(None, [self._source, path.relative_to(self._root).as_posix()]))


def _is_data(path: Path) -> bool:
    if path.name.startswith((".", "__pycache__")) or path.name == "py.typed":
        return False
    return not any(path.rglob("*.py")) if path.is_dir() else path.suffix not in (".py", ".pyc", ".pyi")
