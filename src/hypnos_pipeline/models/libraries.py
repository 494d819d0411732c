"""diffusers and transformers without the libraries that they look for and no stage of ours uses.

They import whatever they find for weights of 4 bits, videos and losses of object detection: much of
the processor time that a stage spent on imports.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, cast


@cache
def prepare_transformers() -> None:
    """Imports transformers' base of models, quietly, without scipy and torchvision.

    Those serve losses of object detection, and its own preparation of images, which we do ourselves.
    """
    import transformers.utils

    with without("scipy", "torchvision"):
        for library in ("scipy", "torchvision", "torchvision_v2"):
            known = getattr(transformers.utils, f"is_{library}_available")
            known.cache_clear()
            known()  # it remembers the answer
        import transformers.modeling_utils
    _silence(transformers.utils)


@cache
def prepare_diffusers() -> None:
    """Imports diffusers, quietly, without bitsandbytes and torchvision.

    Those serve quantised weights and videos; ``adamw_8bit`` imports bitsandbytes itself. scipy's
    parts, which single schedulers use, are read when they do.
    """
    prepare_transformers()
    for name in ("scipy.stats", "scipy.integrate"):
        _read_when_used(name)
    with without("bitsandbytes", "torchvision"), _no_survey_of_packages():
        import diffusers
        import diffusers.hooks  # imports peft where it is there, which would import bitsandbytes
    _silence(diffusers.utils)


def _silence(utilities: Any) -> None:
    """Keeps a library's loading bars and advice out of the pipeline's own log."""
    utilities.logging.set_verbosity_error()
    utilities.logging.disable_progress_bar()


def silence_bitsandbytes() -> None:
    """Keeps its advice about missing 4-bit CPU kernels, which comes while it is imported, out of the log."""
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextmanager
def without(*packages: str) -> Generator[None]:
    """Lets packages that are not imported yet look as if they were not installed."""
    modules = cast("dict[str, Any]", sys.modules)
    hidden = [name for name in packages if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


def _read_when_used(module: str) -> None:
    """Puts off the reading of a module until something in it is used."""
    if module in sys.modules:
        return

    def attribute(name: str) -> Any:
        if name == "__file__":  # by which others look through all modules
            raise AttributeError(name)
        if sys.modules[module] is stand_in:
            del sys.modules[module]
        return getattr(importlib.import_module(module), name)

    sys.modules[module] = stand_in = ModuleType(module)
    stand_in.__getattr__ = attribute


@contextmanager
def _no_survey_of_packages() -> Generator[None]:
    """Spares reading the list of files of every installed package, half a second.

    diffusers needs it only for packages whose name is not that of what they install.
    """
    survey = importlib.metadata.packages_distributions
    importlib.metadata.packages_distributions = dict
    try:
        yield
    finally:
        importlib.metadata.packages_distributions = survey
