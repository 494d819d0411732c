"""The base of every configuration model: unknown keys are refused by name, values are immutable."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A subject's, method's or prompt set's name: it stands in paths, namespaces and stage names."""


class Configuration(BaseModel):
    """A validated block of ``conf/``; see the subclasses in each package's ``settings.py``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
