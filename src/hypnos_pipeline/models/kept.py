"""Frozen networks that several nodes of a run share: kept once loaded, until one needs their memory.

The evaluations of a run follow each other and read the same networks, 2.5 GB of them in ``paper``. A training
or sampling between them has no use for those.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar, cast

Loader = TypeVar("Loader", bound=Callable[..., Any])
_networks: dict[Hashable, Any] = {}


def kept(load: Loader) -> Loader:
    """Makes a function that loads a network from a folder to a device return what it loaded before."""

    @wraps(load)
    def loaded(*arguments: Hashable, **options: Hashable) -> Any:
        key = (load, arguments, *options.items())
        if key not in _networks:
            _networks[key] = load(*arguments, **options)
        return _networks[key]

    return cast("Loader", loaded)


def release() -> None:
    """Lets go of every network, and gives a GPU's memory back."""
    _networks.clear()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        import gc

        gc.collect()  # modules that refer to each other in a circle
        torch.cuda.empty_cache()
