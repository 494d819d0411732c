"""Checks before any work starts: photos, words and models of the slice that is about to run."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline

from hypnos_pipeline.config_loader import current_parameters
from hypnos_pipeline.study import Study, StudyError

NETWORK = "params:models."
"""What the names of single networks' parameters begin with."""


class StudyChecks:
    """Refuses a run that would fail later, naming all faults at once."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Checks what the nodes of this run read.

        Raises:
            StudyError: Naming every fault and its mend.
        """
        inputs = pipeline.inputs()
        photos = sorted(name for name in inputs if name.endswith(".photos"))
        faults = [fault for name in photos for fault in photo_faults(name, catalog)]
        networks = sorted(name.removeprefix(NETWORK) for name in inputs if name.startswith(NETWORK))
        if networks:
            faults += model_faults(Study.from_parameters(current_parameters()), networks)
        if faults:
            raise StudyError("\n".join(["Nothing was run:", *faults]))


def photo_faults(name: str, catalog: Any) -> list[str]:
    """Reads one subject's photos; returns the message that says what is wrong with them."""
    try:
        catalog.load(name)
    except DatasetError as error:
        fault: BaseException = error
        while fault.__cause__ is not None:  # Kedro wraps what the reader says
            fault = fault.__cause__
        return [str(fault)]
    return []


def model_faults(study: Study, networks: list[str]) -> list[str]:
    """Checks that these networks are here and that the study's words and prompts suit the tokenizer."""
    from hypnos_pipeline.models.reference import MissingModels, locate_all
    from hypnos_pipeline.prompting.prompt_sets import study_prompt_problems

    try:
        folders = locate_all({f"models.{name}": getattr(study.models, name) for name in networks})
    except MissingModels as error:
        return [str(error)]
    if "text_to_image" not in networks:
        return []
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(
        folders["models.text_to_image"], subfolder="tokenizer", local_files_only=True
    )
    return study_prompt_problems(study.prompt_sets, study.subjects, study.seed, tokenizer)
