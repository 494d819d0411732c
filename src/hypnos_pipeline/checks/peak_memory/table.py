"""What was counted of Stable Diffusion 1.5, and the estimate for other settings that is made of it.

``counted.json`` is written by ``python -m benchmarks.memory``. Weights and optimiser states follow from
numbers of parameters; what a stage takes beside them (gradients, activations, copies in half precision) is
counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).parent / "counted.json"
SAMPLING, EVALUATION, ENCODING, PRETRAINING = "sampling", "evaluation", "encoding", "pretraining"


@dataclass(frozen=True)
class Counted:
    """One count.

    Attributes:
        stage: A family of methods, or ``sampling``, ``evaluation``, ``encoding``, ``pretraining``.
        recomputed: Networks whose activations are recomputed in the backward pass: ``unet``, ``decoder``.
        half: Whether forward passes run in half precision.
        images: In a batch, of 512 px.
        moments: Moment to kind to bytes, see ``stages``.
    """

    stage: str
    recomputed: tuple[str, ...]
    half: bool
    images: int
    moments: dict[str, dict[str, int]]

    @property
    def peak(self) -> int:
        """Bytes of the largest moment."""
        return max(map(self.size, self.moments))

    def size(self, moment: str) -> int:
        """Returns the bytes of one moment."""
        return sum(self.moments[moment].values())

    @property
    def beside(self) -> int:
        """Bytes that the largest moment takes beside weights and optimiser states."""
        fixed = ("weights", "optimiser")
        return max(
            sum(size for kind, size in kinds.items() if kind not in fixed) for kinds in self.moments.values()
        )


@cache
def read() -> tuple[Counted, ...]:
    """Returns every count."""
    rows: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    for row in rows:
        row["recomputed"] = tuple(row["recomputed"])
    return tuple(Counted(**row) for row in rows)


def beside(stage: str, recomputed: tuple[str, ...], *, half: bool, load: float, parameters: float) -> float:
    """Estimates what a stage takes beside weights and optimiser states, bytes.

    Between counts it is a straight line, and above them too (from a single count, in proportion). Below the
    smallest, where gradients and copies of weights count most, it shrinks in proportion to the images or to
    the parameters, whichever is more.

    Args:
        stage: As in the counts.
        recomputed: Likewise.
        half: Likewise.
        load: Images of a batch, in pixels of 512 × 512 and channels of Stable Diffusion 1.5.
        parameters: Of the model, in Stable Diffusion 1.5's.
    """
    counts = sorted(
        (each.images, each.beside)
        for each in read()
        if (each.stage, each.recomputed, each.half) == (stage, recomputed, half)
    )
    images, sizes = ([float(count[axis]) for count in counts] for axis in (0, 1))
    if load <= images[0]:
        return float(sizes[0] * max(load / images[0], min(parameters, 1.0)))
    if load <= images[-1]:
        return float(np.interp(load, images, sizes))
    if len(images) == 1:
        return float(sizes[0] * load / images[0])
    slope = (sizes[-1] - sizes[-2]) / (images[-1] - images[-2])
    return float(sizes[-1] + slope * (load - images[-1]))
