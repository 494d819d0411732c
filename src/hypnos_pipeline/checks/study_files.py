"""An environment's configuration as it lies there, however wrong, read without a Kedro session."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hypnos_pipeline.errors import Problem, StudyError
from hypnos_pipeline.models.lock import LOCK_FILE
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.study.loading import loader_of, read_parameters, study_problems
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts

PHOTOS = "{subject}.photos"
"""The catalog's entry of raw photos."""
TRUTH = "truth"
"""The catalog's entry of what is known of subjects beside their photos."""


@dataclass(frozen=True)
class StudyFiles:
    """A study as it lies there.

    Attributes:
        root: The project's folder.
        env: The environment's name.
        parameters: As Kedro merges them; empty where they cannot be read.
        catalog: Kedro's, likewise.
        problems: What is wrong with the parameters.
    """

    root: Path
    env: str
    parameters: dict[str, Any]
    catalog: dict[str, Any]
    problems: list[Problem]

    @classmethod
    def read(cls, root: Path, env: str) -> StudyFiles:
        """Reads the configuration without a Kedro session, which a wrong one would not open."""
        loader = loader_of(root, env)
        try:
            parameters = read_parameters(loader)
        except StudyError as error:
            return cls(root, env, {}, {}, error.problems)
        return cls(root, env, parameters, loader["catalog"], study_problems(loader, parameters))

    @property
    def lock_file(self) -> Path:
        """The environment's record of its networks; there once any was fetched."""
        return self.root / "conf" / self.env / LOCK_FILE

    @property
    def checkpoints(self) -> CheckpointSettings:
        """How runs can be resumed; the default where that is wrong."""
        try:
            return CheckpointSettings.model_validate(self.parameters.get("checkpoints", {}))
        except ValidationError:  # reported for the configuration
            return CheckpointSettings()

    @cached_property
    def parts(self) -> ValidParts:
        """The valid parts of the study."""
        return ValidParts.of(Study, self.parameters)

    @property
    def truth(self) -> Path:
        """The folder of what is known of subjects beside their photos."""
        return self.root / self.catalog[TRUTH]["filepath"]

    def photo_folders(self) -> dict[str, Path]:
        """Returns the folders of photos that subjects use, by name."""
        owners = dict.fromkeys(subject.photos or name for name, subject in self.parts.subjects.items())
        pattern = self.catalog[PHOTOS]["filepath"]
        return {owner: self.root / pattern.format(subject=owner) for owner in owners}
