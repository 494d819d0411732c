"""Stateless randomness: every draw derives from (seed, stream, step).

A killed run therefore resumes to the same bits without any saved generator state, and the order in
which stages or steps run does not matter.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def seed_for(seed: int, stream: str, step: int = 0) -> int:
    """Derives the 63-bit seed of one draw.

    Args:
        seed: The study's seed (the paper's is 42).
        stream: What is drawn, e.g. ``"finetune/noise"``; different names give independent draws.
        step: Index of the draw within its stream.

    Returns:
        An integer in [0, 2**63).
    """
    digest = hashlib.sha256(f"{seed}\0{stream}\0{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def training_seed(seed: int, training: int) -> int:
    """Returns the seed of a method's training, from 1; the first training's is the study's."""
    return seed if training == 1 else seed_for(seed, "trainings", training)


def generator(seed: int, stream: str, step: int = 0) -> torch.Generator:
    """Returns a CPU ``torch.Generator`` for one draw (see :func:`seed_for`)."""
    import torch

    return torch.Generator(device="cpu").manual_seed(seed_for(seed, stream, step))


def numpy_generator(seed: int, stream: str, step: int = 0) -> np.random.Generator:
    """Returns a ``numpy.random.Generator`` for one draw (see :func:`seed_for`)."""
    import numpy as np

    return np.random.default_rng(seed_for(seed, stream, step))
