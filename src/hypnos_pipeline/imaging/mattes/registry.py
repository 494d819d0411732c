"""Backends by name. A backend is one entry here: a function from a photo and its options to a matte."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

Backend = Callable[..., np.ndarray]

# Module and function, imported when first used: a backend may need libraries of its own.
_BACKENDS: dict[str, str | Backend] = {
    "grabcut": "hypnos_pipeline.imaging.mattes.grabcut:remove_background",
    "provided": "hypnos_pipeline.imaging.mattes.provided:remove_background",
}


def register_backend(name: str, backend: str | Backend) -> None:
    """Adds a backend.

    Args:
        name: Its name in the configuration.
        backend: ``backend(photo: PIL.Image RGB, *, <options with defaults>) -> H×W float32 in [0, 1]``, or
            ``"module:function"`` naming one.
    """
    _BACKENDS[name] = backend


def backend_names() -> list[str]:
    """Returns the known backends' names, sorted."""
    return sorted(_BACKENDS)


def find_backend(name: str, options: Mapping[str, Any]) -> Callable[[Image.Image], np.ndarray]:
    """Returns a backend with its options bound.

    Raises:
        ValueError: For an unknown backend or option; the message names those that are known.
    """
    if name not in _BACKENDS:
        raise ValueError(
            f"background_removal.backend: unknown backend {name!r}: "
            f"expected one of {', '.join(backend_names())}"
        )
    backend = _BACKENDS[name]
    if isinstance(backend, str):
        module, function = backend.split(":")
        backend = getattr(importlib.import_module(module), function)
    parameters = inspect.signature(backend).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(
            f"background_removal.options: backend {name!r} has no option {', '.join(map(repr, unknown))}: "
            f"expected {', '.join(known) or 'none'}"
        )
    return lambda photo: backend(photo, **options)
