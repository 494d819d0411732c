"""Before any work starts, all that is wrong with keys, photos, words and models is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from hypnos_pipeline.checks import preflight
from hypnos_pipeline.checks.memory_settings import helping_settings
from hypnos_pipeline.checks.preflight import Faults
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.running.out_of_memory import explained, of_gpu, ran_out
from hypnos_pipeline.study.loading import (
    StudyConfigLoader,
    current_parameters,
    lock_file,
    read_parameters,
    study_file,
)
from hypnos_pipeline.study.model import Study, StudyError
from hypnos_pipeline.study.parts import SoundParts

PARAMETER = "params:"
NETWORK = f"{PARAMETER}models."
"""What the names of single networks' parameters begin with."""
PHOTOS = "{subject}.photos"
"""The catalog's entry of raw photos."""
JUDGE = "judge"
"""The catalog's entry of what is known of subjects beside their photos."""


class StudyChecks:
    """Refuses a run that would fail later, naming all faults at once."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Checks the configuration, before pipelines are built from it.

        A faulty one leaves open what was to run, so what else is wrong is looked for in the whole study.

        Raises:
            StudyError: If a key is faulty.
        """
        loader = context.config_loader
        parameters = read_parameters(loader)
        faults = Study.faults(parameters)
        if not faults:
            refuse_unknown_slices()
            return
        parts = SoundParts.of(Study, parameters)
        found: Faults = {}
        pattern = loader["catalog"][PHOTOS]["filepath"]
        judge = context.project_path / loader["catalog"][JUDGE]["filepath"]
        for owner in sorted({subject.photos or name for name, subject in parts.subjects.items()}):
            if owner in parts.names["subjects"]:
                masks = preflight.true_mask_folders(owner, parts, judge)
                folder = context.project_path / pattern.format(subject=owner)
                merge(found, preflight.photo_faults(folder, parts, masks))
        found |= preflight.class_prior_faults(parts)
        found |= preflight.network_faults(parts, parts.models, lock_file(loader))
        found |= preflight.machine_faults(parts)
        # Some of the words' faults show without a tokenizer too.
        found = {place: [line for line in lines if line not in faults] for place, lines in found.items()}
        raise StudyError({study_file(loader): faults} | found)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Checks what the nodes of this run read.

        Raises:
            StudyError: Naming every fault and its mend.
        """
        inputs = pipeline.inputs()
        photos = sorted(name for name in inputs if name.endswith(".photos"))
        networks = sorted(name.removeprefix(NETWORK) for name in inputs if name.startswith(NETWORK))
        if not (photos or networks):
            return
        parts = SoundParts.of(Study, current_parameters())
        found: Faults = {}
        judged = [node.namespace for node in pipeline.nodes if JUDGE in node.inputs and node.namespace]
        judge = catalog.load(JUDGE) if judged else None
        for name in photos:
            owner = name.removesuffix(".photos")
            masks = preflight.true_mask_folders(owner, parts, judge, judged) if judge else []
            using = [node.namespace for node in pipeline.nodes if name in node.inputs and node.namespace]
            users = preflight.users_of(owner, parts, using)
            merge(found, loaded_photo_faults(name, catalog, parts, users, masks))
        if "params:class_prior" in inputs:
            found |= preflight.class_prior_faults(parts)
        lock = lock_file(StudyConfigLoader.newest)
        found |= preflight.network_faults(parts, networks, lock)
        found |= preflight.machine_faults(parts)
        if not any(found.values()) and preflight.make_random_networks(parts, networks):
            found = preflight.network_faults(parts, networks, lock)  # now with the words and prompts
        if any(found.values()):
            raise StudyError(found)

    @hook_impl
    def on_node_error(self, error: Exception, node: Node) -> None:
        """Says what to change where a stage ran out of memory.

        Raises:
            OutOfMemory: If that is what the error is.
        """
        if cause := ran_out(error):
            parts = SoundParts.of(Study, current_parameters())
            reads = {name.removeprefix(PARAMETER) for name in node.inputs if name.startswith(PARAMETER)}
            settings = helping_settings(parts, reads, on_gpu=of_gpu(cause))
            raise explained(cause, node.name, settings, study_file(StudyConfigLoader.newest)) from error

    @hook_impl(trylast=True)  # the others still have to clear up
    def on_pipeline_error(self, error: Exception) -> None:
        """Lets commands show what the user is to mend, not that Kedro met it in loading or saving."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, click.ClickException):
            cause = cause.__cause__
        if cause is not None and cause is not error:
            raise cause
        if cause is None and (memory := ran_out(error)):  # in loading or saving
            raise explained(memory, f"loading or saving ({str(error).splitlines()[0]})", [], "") from error


def refuse_unknown_slices() -> None:
    """Checks the names that `kedro run` was called with, which Kedro would refuse in a traceback.

    Raises:
        StudyError: Naming the unknown pipelines and namespaces, and the known ones.
    """
    command = click.get_current_context(silent=True)
    if command is None or command.command.name != "run":
        return
    chosen = [*(command.params.get("pipelines") or ()), *filter(None, [command.params.get("pipeline")])]
    faults = [_unknown("pipelines", name, list(pipelines)) for name in chosen if name not in pipelines]
    if not faults:
        nodes = [node for name in chosen or ["__default__"] for node in pipelines[name].nodes]
        spaces = {space: None for node in nodes for space in _namespaces(node.namespace)}
        asked = command.params.get("namespaces") or ()
        faults = [_unknown("namespaces", name, list(spaces)) for name in asked if name not in spaces]
    if faults:
        raise StudyError({"kedro run": faults})


def _unknown(option: str, name: str, known: list[str]) -> str:
    return f"--{option}: no {name!r} here; expected some of {', '.join(sorted(known))}"


def _namespaces(whole: str | None) -> list[str]:
    """Returns a namespace after those around it: ``mug`` and ``mug.hypnos`` of ``mug.hypnos``."""
    parts = whole.split(".") if whole else []
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def merge(found: Faults, more: Faults) -> None:
    """Adds faults to those found, each once: several subjects may share a place and a fault."""
    for place, lines in more.items():
        found[place] = list(dict.fromkeys([*found.get(place, []), *lines]))


def loaded_photo_faults(
    name: str,
    catalog: CatalogProtocol,
    parts: SoundParts,
    users: Mapping[str, SubjectSettings],
    true_masks: Iterable[Path],
) -> Faults:
    """Reads one subject's photos as the run will, and the true masks that belong to them."""
    from hypnos_pipeline.errors import PhotoError

    try:
        raw = catalog.load(name)
    except DatasetError as error:
        fault: BaseException = error
        while fault.__cause__ is not None and not isinstance(fault, PhotoError):
            fault = fault.__cause__  # Kedro wraps what the reader says
        return preflight.told_by(fault) if isinstance(fault, PhotoError) else {name: [str(fault)]}
    return preflight.use_faults(raw, name, users, parts, true_masks)
