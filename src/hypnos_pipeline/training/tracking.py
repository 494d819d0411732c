"""Curves and previews of a training while it goes on, as event files for TensorBoard.

They are read off what the training returns anyway and change nothing of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.configuration.base import Configuration

if TYPE_CHECKING:
    import numpy as np

Tracker = Callable[[dict[str, float], "np.ndarray | None"], None]
"""Takes a row of a learning curve, and the images sampled after its step (uint8 N×H×W×3) if there are any."""
_folder: ContextVar[Path | None] = ContextVar("folder", default=None)


class TrackingSettings(Configuration):
    """What is written of a training while it goes on; no result depends on it.

    Attributes:
        tensorboard: Whether event files for TensorBoard are written.
    """

    tensorboard: bool = False


def track_in(folder: Path | None) -> None:
    """Has trainings of this thread write their event files into a folder; None writes none."""
    _folder.set(folder)


@contextmanager
def tracked(done: int) -> Generator[Tracker]:
    """Yields what takes every step of one training, and writes it if that is requested.

    Args:
        done: Steps done before. What a killed process wrote of later steps is superseded; of a training that
            begins anew, all that was written before is removed.
    """
    folder = _folder.get()
    if folder is None:
        yield lambda row, images: None
        return
    from torch.utils.tensorboard import SummaryWriter

    if not done:
        shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder), purge_step=done + 1 if done else None) as writer:

        def write(row: dict[str, float], images: np.ndarray | None) -> None:
            step = int(row["step"])
            for name, value in row.items():
                if name != "step":
                    writer.add_scalar(name, value, step)
            if images is not None:
                writer.add_images("previews", images, step, dataformats="NHWC")

        yield write
