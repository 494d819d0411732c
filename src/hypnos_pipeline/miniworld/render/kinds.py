"""Kinds of objects: what is drawn of an instance, in order, and how its solids are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hypnos_pipeline.miniworld.render.builder import Builder

Draw = Callable[[np.random.Generator], Any]


class Kind:
    """A class of objects.

    Attributes:
        build: From an instance's parameters and its two colours (sRGB in [0, 1], the second may be None).
        size: On screen, so that no class is recognised by its size alone.
        turn: Largest turn about the vertical, radians.
    """

    def __init__(self, build: Callable[..., Builder], *, size: float, turn: float, **parameters: Any) -> None:
        """Takes parameters in the order of their draws: draws, lists of draws, and fixed values."""
        self.build, self.size, self.turn, self._parameters = build, size, turn, parameters

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draws an instance's parameters."""
        return {name: _drawn(value, rng) for name, value in self._parameters.items()}


def between(low: float, high: float) -> Draw:
    """A number, uniform."""
    return lambda rng: float(rng.uniform(low, high))


def whole(low: int, high: int) -> Draw:
    """A whole number below ``high``."""
    return lambda rng: int(rng.integers(low, high))


def chance(probability: float) -> Draw:
    """True with a probability."""
    return lambda rng: bool(rng.random() < probability)


def one_of(*values: Any) -> Draw:
    """One of some values of one type; one that stands twice is twice as likely."""
    return lambda rng: type(values[0])(rng.choice(values))


def _drawn(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, list):
        return [_drawn(each, rng) for each in value]
    return value(rng) if callable(value) else value
