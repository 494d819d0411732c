"""The valid parts of a study whose other parts may be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.prompting.settings import PromptSetSettings, SubjectSettings
from hypnos_pipeline.training.settings import Methods


@dataclass(frozen=True)
class ValidParts:
    """The valid parts of a study; the rest may be wrong, and all problems can still be found at once.

    Attributes:
        names: All names of subjects, methods and prompt sets, also those of invalid entries.
        subjects: By name.
        methods: By family, then by name.
        prompt_sets: By name.
        models: By key.
        sections: Every top-level key that is valid as a whole.
    """

    names: dict[str, list[str]]
    subjects: dict[str, SubjectSettings]
    methods: dict[str, dict[str, Any]]
    prompt_sets: dict[str, Any]
    models: dict[str, ModelReference]
    sections: dict[str, Any]

    @cached_property
    def users_of_photos(self) -> dict[str, dict[str, SubjectSettings]]:
        """Subjects by the folder of photos that they use, then by name."""
        found: dict[str, dict[str, SubjectSettings]] = {}
        for name, subject in self.subjects.items():
            found.setdefault(subject.photos or name, {})[name] = subject
        return found

    @property
    def trainings(self) -> int:
        """Returns how many trainings each method gets."""
        return self.sections.get("trainings", 1)

    @classmethod
    def of(cls, study: type[BaseModel], parameters: Mapping[str, Any]) -> ValidParts:
        """Reads what is valid, entry by entry.

        Args:
            study: The model of the whole.
            parameters: The study's parameters as they are in the file.
        """
        kinds = {name: get_args(field.annotation)[1] for name, field in Methods.model_fields.items()}
        families = _map(parameters.get("methods"))
        names = {
            key: [str(name) for name in _map(parameters.get(key))] for key in ("subjects", "prompt_sets")
        }
        names["methods"] = [str(name) for family in families.values() for name in _map(family)]
        found = {
            name: _valid(Annotated[field.annotation, field], parameters[name])  # pyright: ignore[reportInvalidTypeForm]
            for name, field in study.model_fields.items()
            if name in parameters
        }
        return cls(
            names=names,
            subjects=_valid_entries(SubjectSettings, parameters.get("subjects")),
            methods={family: _valid_entries(kind, families.get(family)) for family, kind in kinds.items()},
            prompt_sets=_valid_entries(PromptSetSettings, parameters.get("prompt_sets")),
            models=_valid_entries(ModelReference, parameters.get("models")),
            sections={name: value for name, value in found.items() if value is not None},
        )


def _map(value: Any) -> Mapping[Any, Any]:
    return cast("Mapping[Any, Any]", value) if isinstance(value, Mapping) else {}


def _valid(kind: Any, value: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def _valid_entries(kind: Any, values: Any) -> dict[str, Any]:
    read = {str(name): _valid(kind, value) for name, value in _map(values).items()}
    return {name: value for name, value in read.items() if value is not None}
