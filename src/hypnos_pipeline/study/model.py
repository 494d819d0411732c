"""The study: subjects, methods, prompt sets and every other key of ``conf/<env>/parameters_study.yml``.

Pipelines and ``dvc.yaml`` iterate the study's maps, so a new subject or method is one entry there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import click
from pydantic import Field, ValidationError

from hypnos_pipeline.configuration.base import Configuration, Name
from hypnos_pipeline.configuration.messages import readable_faults
from hypnos_pipeline.imaging.settings import AugmentationSettings, BackgroundRemovalSettings
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import (
    ClassPriorSettings,
    ModelsSettings,
    RuntimeSettings,
    SamplerSettings,
)
from hypnos_pipeline.prompting.settings import PromptSetSettings, SubjectSettings
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.study.consistency import disagreements
from hypnos_pipeline.study.environments import STUDY_FILE
from hypnos_pipeline.study.parts import SoundParts
from hypnos_pipeline.training.settings import FAMILIES, DiscriminatorSettings, Methods

FOREIGN = ("miniworld", "env", "checkpoints")
"""Parameters that are no part of the study: another pipeline's, and what no result depends on."""


class StudyError(click.ClickException):
    """A study that cannot be run; the message lists all that is to be mended. Commands show nothing else.

    Attributes:
        faults: What is wrong, each naming a file or key and its mend, by where to look for it.
    """

    def __init__(self, faults: Mapping[str, list[str]]) -> None:
        self.faults = {place: lines for place, lines in faults.items() if lines}
        count = sum(map(len, self.faults.values()))
        head = f"Nothing was run: {count} {'thing' if count == 1 else 'things'} to mend."
        parts = [
            f"{place}\n" + "\n".join(f"  - {line}" for line in self.faults[place]) for place in self.faults
        ]
        super().__init__("\n".join([head, *parts]))


class Study(Configuration):
    """Everything one environment's study is made of."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    image_size: Annotated[int, Field(ge=16, le=4096, multiple_of=8)]
    runtime: RuntimeSettings
    models: ModelsSettings
    subjects: Annotated[dict[Name, SubjectSettings], Field(min_length=1)]
    methods: Methods
    prompt_sets: Annotated[dict[Name, PromptSetSettings], Field(min_length=1)]
    background_removal: BackgroundRemovalSettings
    augmentation: AugmentationSettings
    class_prior: ClassPriorSettings
    discriminator: DiscriminatorSettings
    sampling: SamplerSettings
    evaluation: EvaluationSettings

    @classmethod
    def from_parameters(cls, parameters: dict[str, Any]) -> Study:
        """Validates Kedro's parameters.

        Args:
            parameters: The merged parameters; those in ``FOREIGN`` are skipped.

        Raises:
            StudyError: Naming every faulty key at once.
        """
        faults = cls.faults(parameters)
        if faults:
            raise StudyError({STUDY_FILE: faults})
        return cls.model_validate(_own(parameters))

    @classmethod
    def faults(cls, parameters: Mapping[str, Any]) -> list[str]:
        """Returns what is wrong with Kedro's parameters, each naming key and mend; empty if nothing is."""
        own, wrong = _own(parameters), []
        try:
            cls.model_validate(own)
        except ValidationError as error:
            wrong = readable_faults(cls, own, error.errors())
        return wrong + disagreements(SoundParts.of(cls, own)) + _checkpoint_faults(parameters)

    def entries(self) -> list[tuple[str, str]]:
        """Returns every (family, method name), families in the paper's order."""
        return [(family, name) for family in FAMILIES for name in getattr(self.methods, family)]

    def photo_owner(self, subject: str) -> str:
        """Returns the subject whose raw photos this one uses (itself, unless ``photos`` points elsewhere)."""
        return self.subjects[subject].photos or subject


def _own(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key not in FOREIGN}


class _Beside(Configuration):
    """What stands beside the study, in files of its own."""

    checkpoints: CheckpointSettings = CheckpointSettings()


def _checkpoint_faults(parameters: Mapping[str, Any]) -> list[str]:
    """Returns what is wrong with the key ``checkpoints``, which stands in ``parameters_checkpoints.yml``."""
    beside = {key: parameters[key] for key in _Beside.model_fields if key in parameters}
    try:
        _Beside.model_validate(beside)
    except ValidationError as error:
        return readable_faults(_Beside, beside, error.errors())
    return []
