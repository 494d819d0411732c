"""Modules of pymatting, without the kernels of its other modules.

Importing any of pymatting compiles all of its 29 kernels, where numba has not kept them yet: once on every
machine, and in every process where nothing can be written beside them or in the home folder.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from types import ModuleType

_PACKAGES = ("", ".alpha", ".foreground", ".laplacian", ".preconditioner", ".solver", ".util")


@cache
def pymatting_part(name: str) -> ModuleType:
    """Imports one module, such as ``alpha.estimate_alpha_cf``, with what it needs itself."""
    bare = [] if "pymatting" in sys.modules else [f"pymatting{package}" for package in _PACKAGES]
    try:
        for package in bare:  # a package that was not executed still says where its modules lie
            spec = importlib.util.find_spec(package)
            assert spec is not None, "one of pymatting's own packages"
            sys.modules[package] = importlib.util.module_from_spec(spec)
        return importlib.import_module(f"pymatting.{name}")
    finally:
        for package in bare:
            sys.modules.pop(package, None)  # whoever imports it after us gets it whole
