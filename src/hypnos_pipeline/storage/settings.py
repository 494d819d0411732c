"""Configuration of what is kept beside the artefacts: it decides how much is made again, never a result."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hypnos_pipeline.configuration.base import Configuration


class CheckpointSettings(Configuration):
    """When the state of a run is saved, and how much of unfinished runs is kept.

    A resumed run gives the same bits whichever step it was saved at, so the interval may go by the clock,
    which costs the same share of time whether steps are short or long. With both intervals null nothing is
    saved.

    Attributes:
        folder: Where all runs' states lie, relative to the project's folder.
        every_seconds: Seconds of training between two states; more where saving one takes long
            (``checkpoints.LARGEST_SHARE``).
        every_steps: Steps between two states; with both intervals set, a state is saved at either.
        keep_gigabytes: How much space the states of unfinished runs and those set aside may take together;
            beyond it the oldest are removed, but never the newest run's.
        priors_gigabytes: How much space the images of class nouns may take that are kept for the next subject
            of the same noun; beyond it those used longest ago are removed. With 0 none are kept.
    """

    folder: Annotated[str, Field(min_length=1)] = "data/checkpoints"
    every_seconds: Annotated[float, Field(gt=0.0)] | None = 60.0
    every_steps: Annotated[int, Field(ge=1)] | None = None
    keep_gigabytes: Annotated[float, Field(ge=0.0)] = 2.0
    priors_gigabytes: Annotated[float, Field(ge=0.0)] = 10.0

    @property
    def on(self) -> bool:
        """Returns whether anything is saved at all."""
        return self.every_seconds is not None or self.every_steps is not None


OFF = CheckpointSettings(every_seconds=None, priors_gigabytes=0)
