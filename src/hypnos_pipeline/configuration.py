"""The base of every configuration model: unknown keys are refused by name, values are immutable."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Configuration(BaseModel):
    """A validated block of ``conf/``; see the subclasses in each package's ``settings.py``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
