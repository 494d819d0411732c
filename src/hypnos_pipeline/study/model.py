"""The study: subjects, methods, prompt sets and every other key of ``conf/<env>/parameters_study.yml``.

Pipelines and ``dvc.yaml`` iterate the study's maps, so a new subject or method is one entry there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from hypnos_pipeline.configuration.base import Configuration, Name
from hypnos_pipeline.configuration.messages import readable_problems
from hypnos_pipeline.errors import Problem, StudyError
from hypnos_pipeline.imaging.settings import AugmentationSettings, BackgroundRemovalSettings
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.export.settings import ExportSettings
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
from hypnos_pipeline.study.parts import ValidParts
from hypnos_pipeline.training.settings import FAMILIES, DiscriminatorSettings, Methods
from hypnos_pipeline.training.tracking import TrackingSettings

FOREIGN = ("miniworld", "env", "checkpoints", "export", "tracking")
"""Parameters that are no part of the study: another pipeline's, and what no result depends on."""
MOST_TRAININGS = 100
NETWORK = "params:models."
"""What the names of single networks' parameters begin with."""


class Study(Configuration):
    """Everything one environment's study is made of."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    trainings: Annotated[int, Field(ge=1, le=MOST_TRAININGS)] = 1
    """Of each method, each with a seed of its own."""
    further_trainings: tuple[int, ...] = ()
    """Their numbers from 2 on: what dvc.yaml iterates, which cannot count."""
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
            StudyError: Naming every wrong key at once.
        """
        if problems := cls.problems(parameters):
            raise StudyError(problems)
        return cls.model_validate(_own(parameters))

    @classmethod
    def problems(cls, parameters: Mapping[str, Any]) -> list[Problem]:
        """Returns what is wrong with Kedro's parameters; ``where`` is the study's file without its folder."""
        own = _own(parameters)
        beside = {key: parameters[key] for key in _Beside.model_fields if key in parameters}
        found = [*_invalid(cls, own), *disagreements(ValidParts.of(cls, own)), *_invalid(_Beside, beside)]
        return list(dict.fromkeys(found))

    def entries(self) -> list[tuple[str, str]]:
        """Returns every (family, method name), families in the paper's order."""
        return [(family, name) for family in FAMILIES for name in getattr(self.methods, family)]

    def photo_owner(self, subject: str) -> str:
        """Returns the folder of a subject's raw photos: ``photos``, or the subject's name."""
        return self.subjects[subject].photos or subject


def _own(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key not in FOREIGN}


class _Beside(Configuration):
    """Keys beside the study, in files of their own (``parameters_checkpoints.yml``)."""

    checkpoints: CheckpointSettings = CheckpointSettings()
    export: ExportSettings = ExportSettings()
    tracking: TrackingSettings = TrackingSettings()


def _invalid(model: type[BaseModel], parameters: Mapping[str, Any]) -> list[Problem]:
    try:
        model.model_validate(parameters)
    except ValidationError as error:
        return readable_problems(model, parameters, error, STUDY_FILE)
    return []
