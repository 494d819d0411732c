"""Backends by name. A backend is one entry here: a function from a photo and its options to a matte."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from PIL import Image
from pydantic import BaseModel, ValidationError, create_model

from hypnos_pipeline.configuration.base import Configuration
from hypnos_pipeline.configuration.messages import readable_problems
from hypnos_pipeline.errors import Problem, nearest

Backend = Callable[..., np.ndarray]

# Module and function, imported when first used: a backend may need libraries of its own.
_BACKENDS: dict[str, str | Backend] = {
    "grabcut": "hypnos_pipeline.imaging.mattes.grabcut:remove_background",
    "network": "hypnos_pipeline.imaging.mattes.network:remove_background",
    "provided": "hypnos_pipeline.imaging.mattes.provided:remove_background",
    "rembg": "hypnos_pipeline.imaging.mattes.rembg:remove_background",
    "tracer_b7": "hypnos_pipeline.imaging.mattes.tracer_b7:remove_background",
}
_NETWORK = "network"


@dataclass(frozen=True)
class BoundBackend:
    """A backend with its options.

    Attributes:
        remove: From an RGB photo to its matte, H×W float32 in [0, 1].
        remove_all: From images N×H×W×3 uint8 to their mattes, N×H×W float32 in [0, 1].
        network: The file of weights that it reads; None if it needs none.
        problems: Returns why it cannot be used on this machine; empty if it can. What it loads to find out
            stays loaded for ``remove``.
    """

    remove: Callable[[Image.Image], np.ndarray]
    remove_all: Callable[[np.ndarray], np.ndarray]
    network: Path | None
    problems: Callable[[], list[Problem]]


def register_backend(name: str, backend: str | Backend) -> None:
    """Adds a backend.

    Args:
        name: Its name in the configuration.
        backend: ``backend(photo: PIL.Image RGB, *, <options>) -> H×W float32 in [0, 1]``, or
            ``"module:function"`` naming one. Options are validated by their annotations. One that reads
            weights takes ``network: Path`` beside its options; its module then also has
            ``network_file(options) -> str``, the file's name, and ``network_problems(network, options)``. A
            module may also have ``remove_backgrounds(images, …)``, with the same options, for many images
            of one size at once: N×H×W×3 uint8 → N×H×W float32.
    """
    _BACKENDS[name] = backend


def backend_names() -> list[str]:
    """Returns the known backends' names, sorted."""
    return sorted(_BACKENDS)


def find_backend(
    name: str, options: Mapping[str, Any], networks: Path | None = None, key: str = "background_removal"
) -> BoundBackend:
    """Returns a backend with its options bound.

    Args:
        name: Its name.
        options: As they are in the configuration.
        networks: The folder of the backends' networks.
        key: Where backend and options stand in the configuration, for messages.

    Raises:
        ValueError: For an unknown backend or invalid options; the message names those that are known.
    """
    if name not in _BACKENDS:
        raise ValueError(f"{key}.backend: unknown backend {name!r}; {nearest(name, backend_names())}")
    backend = _BACKENDS[name]
    if isinstance(backend, str):
        module, function = backend.split(":")
        backend = getattr(importlib.import_module(module), function)
    values = _validated(backend, options, key)
    module = sys.modules[backend.__module__]
    if _NETWORK not in inspect.signature(backend).parameters:
        remove = partial(backend, **values)
        return BoundBackend(remove, partial(_one_by_one, remove), None, list)
    network = (networks or Path()) / module.network_file(values)
    remove = partial(backend, network=network, **values)
    together = getattr(module, "remove_backgrounds", None)
    return BoundBackend(
        remove,
        partial(together, network=network, **values) if together else partial(_one_by_one, remove),
        network,
        lambda: module.network_problems(network, values),
    )


def _one_by_one(remove: Callable[[Image.Image], np.ndarray], images: np.ndarray) -> np.ndarray:
    mattes = [np.asarray(remove(Image.fromarray(image)), dtype=np.float32) for image in images]
    return np.stack(mattes) if mattes else np.zeros(images.shape[:3], dtype=np.float32)


def _validated(backend: Backend, options: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Returns all options, those left out at their defaults."""
    model = _options_of(backend)
    try:
        return dict(model.model_validate(dict(options)))
    except ValidationError as error:
        problems = readable_problems(model, options, error, key)
        raise ValueError("; ".join(f"{key}.options: {problem}" for problem in problems)) from error


@cache
def _options_of(backend: Backend) -> type[BaseModel]:
    """Returns a model of a backend's options: its keyword-only parameters."""
    hints = get_type_hints(backend, include_extras=True)
    fields: dict[str, Any] = {
        parameter.name: (
            hints.get(parameter.name, Any),
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(backend).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != _NETWORK
    }
    return create_model("Options", __base__=Configuration, **fields)
