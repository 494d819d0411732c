"""The study: subjects, methods, prompt sets and every other key of ``conf/<env>/parameters_study.yml``.

Pipelines and ``dvc.yaml`` iterate the study's maps, so a new subject or method is one entry there.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from hypnos_pipeline.configuration import Configuration, Name
from hypnos_pipeline.imaging.settings import AugmentationSettings, BackgroundRemovalSettings
from hypnos_pipeline.metrics.settings import EvaluationSettings
from hypnos_pipeline.models.settings import (
    ClassPriorSettings,
    ModelsSettings,
    RuntimeSettings,
    SamplerSettings,
)
from hypnos_pipeline.prompting.settings import PromptSetSettings, SubjectSettings
from hypnos_pipeline.training.settings import FAMILIES, DiscriminatorSettings, Methods


class StudyError(ValueError):
    """The study's configuration is wrong; the message names every faulty key and what was expected."""


class Study(Configuration):
    """Everything one environment's study is made of."""

    seed: Annotated[int, Field(ge=0)]
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
            parameters: The merged parameters; ``miniworld`` belongs to another pipeline and is skipped.

        Raises:
            StudyError: Naming every faulty key at once.
        """
        own = {key: value for key, value in parameters.items() if key != "miniworld"}
        try:
            return cls.model_validate(own)
        except ValidationError as error:
            faults = [f"  {'.'.join(map(str, e['loc'])) or 'study'}: {e['msg']}" for e in error.errors()]
            message = "\n".join(["The study in parameters_study.yml is not valid:", *faults])
            raise StudyError(message) from None

    @model_validator(mode="after")
    def _names_agree(self) -> Study:
        names = [name for _, name in self.entries()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"methods: names must differ between families, found twice: {', '.join(twice)}")
        known = ", ".join(self.subjects)
        for name, subject in self.subjects.items():
            # dvc.yaml reads the key, so it may not be left out.
            if subject.photos not in self.subjects:
                raise ValueError(
                    f"subjects.{name}.photos: expected whose photos it uses ({name} for its own), one of "
                    f"{known}; got {subject.photos}"
                )
        return self

    def entries(self) -> list[tuple[str, str]]:
        """Returns every (family, method name), families in the paper's order."""
        return [(family, name) for family in FAMILIES for name in getattr(self.methods, family)]

    def photo_owner(self, subject: str) -> str:
        """Returns the subject whose raw photos this one uses (itself, unless ``photos`` points elsewhere)."""
        return self.subjects[subject].photos or subject
