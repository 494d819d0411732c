"""Before any work starts, every problem with keys, photos, words and networks is listed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import click
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from hypnos_pipeline.checks.machine import machine_problems, tracking_problems
from hypnos_pipeline.checks.memory_settings import savings
from hypnos_pipeline.checks.networks import make_random_networks, network_problems
from hypnos_pipeline.checks.photos import class_prior_problems, cut_out_problems, photo_problems
from hypnos_pipeline.checks.read_once import read_once
from hypnos_pipeline.checks.study_files import TRUTH, StudyFiles
from hypnos_pipeline.checks.words import word_problems
from hypnos_pipeline.errors import Problem, StudyError, nearest
from hypnos_pipeline.running.out_of_memory import explained, of_gpu, ran_out
from hypnos_pipeline.running.plainly import shown_plainly
from hypnos_pipeline.study.environments import DEFAULT
from hypnos_pipeline.study.loading import (
    StudyConfigLoader,
    current_parameters,
    lock_file,
    read_parameters,
    study_file,
    study_problems,
)
from hypnos_pipeline.study.model import NETWORK, Study
from hypnos_pipeline.study.parts import ValidParts

PARAMETER = "params:"


class StudyChecks:
    """Refuses a run that would fail later, listing every problem at once."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Checks the configuration, before pipelines are built from it.

        A wrong one leaves open what was to run, so the whole study is checked for whatever else is wrong.

        Raises:
            StudyError: If a key is wrong.
        """
        loader = context.config_loader
        with shown_plainly():
            parameters = read_parameters(loader)
            problems = study_problems(loader, parameters)
            if not problems:
                refuse_unknown_slices()
                return
            env = loader.env or DEFAULT
            files = StudyFiles(context.project_path, env, parameters, loader["catalog"], problems)  # pyright: ignore[reportUnknownArgumentType]
            raise StudyError([*problems, *_new(_files_problems(files, lock_file(loader)), problems)])

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Checks what the nodes of this run read.

        Raises:
            StudyError: Listing every problem and its fix.
        """
        inputs = pipeline.inputs()
        photos = _photo_users(pipeline, inputs)
        networks = sorted(name.removeprefix(NETWORK) for name in inputs if name.startswith(NETWORK))
        if not (photos or networks):
            return
        parts = ValidParts.of(Study, current_parameters())
        found: list[Problem] = []
        truth = catalog.load(TRUTH) if TRUTH in inputs else None
        loader = StudyConfigLoader.newest
        with read_once(Path(loader.conf_source).parent if loader else Path()) as known:
            for name, users in photos.items():
                folder = Path(catalog[name]._describe()["filepath"])
                found += photo_problems(folder, parts, truth, users, known)
        if "params:evaluation" in inputs:
            found += cut_out_problems(parts)
        if "params:class_prior" in inputs:
            found += class_prior_problems(parts)
        found += network_problems(parts, networks, lock_file(loader))
        trains = any(name.endswith(".finetuned") for name in pipeline.all_outputs())
        found += machine_problems(parts, trains) + tracking_problems(current_parameters())
        if not found:
            make_random_networks(parts, networks)
        if "text_to_image" in networks:
            found += word_problems(parts)
        with shown_plainly():
            if found:
                raise StudyError(dict.fromkeys(found))

    @hook_impl
    def on_node_error(self, error: Exception, node: Node) -> None:
        """Says what to change where a stage ran out of memory.

        Raises:
            OutOfMemory: If that is what the error is.
        """
        if cause := ran_out(error):
            assert StudyConfigLoader.newest is not None, "Kedro makes one before any node"
            parts = ValidParts.of(Study, current_parameters())
            reads = {name.removeprefix(PARAMETER) for name in node.inputs if name.startswith(PARAMETER)}
            settings = savings(parts, reads, on_gpu=of_gpu(cause))
            with shown_plainly():
                raise explained(cause, node.name, settings, study_file(StudyConfigLoader.newest)) from error


def _photo_users(pipeline: Pipeline, inputs: set[str]) -> dict[str, set[str]]:
    """Returns the datasets of raw photos that a pipeline reads, each with the subjects that read it."""
    found: dict[str, set[str]] = {name: set() for name in sorted(inputs) if name.endswith(".photos")}
    for node in pipeline.nodes:
        for name in found.keys() & set(node.inputs):
            found[name].add((node.namespace or "").partition(".")[0])
    return found


def _files_problems(files: StudyFiles, models_lock: Path | None) -> list[Problem]:
    """Returns what is wrong with the files that the valid parts of a study name."""
    parts, found = files.parts, list[Problem]()
    with read_once(files.root) as known:
        for folder in files.photo_folders().values():
            found += photo_problems(folder, parts, files.truth, known=known)
    found += class_prior_problems(parts) + cut_out_problems(parts)
    found += network_problems(parts, parts.models, models_lock)
    return [*found, *word_problems(parts), *machine_problems(parts), *tracking_problems(files.parameters)]


def _new(found: Iterable[Problem], known: Iterable[Problem]) -> list[Problem]:
    """Returns the problems that are not known yet: some of the words' show without a tokenizer too."""
    seen = {str(problem) for problem in known}
    return [problem for problem in found if str(problem) not in seen]


def refuse_unknown_slices() -> None:
    """Checks the names that ``kedro run`` was called with, which Kedro would refuse in a traceback.

    Raises:
        StudyError: Naming the unknown pipelines and namespaces, and the known ones.
    """
    command = click.get_current_context(silent=True)
    if command is None or command.command.name != "run":
        return
    chosen = [*(command.params.get("pipelines") or ()), *filter(None, [command.params.get("pipeline")])]
    found = [_unknown("pipelines", name, pipelines) for name in chosen if name not in pipelines]
    if not found:
        known = cast("Mapping[str, Pipeline]", pipelines)
        nodes = [node for name in chosen or ["__default__"] for node in known[name].nodes]
        spaces = {space: None for node in nodes for space in _namespaces(node.namespace)}
        requested = command.params.get("namespaces") or ()
        found = [_unknown("namespaces", name, spaces) for name in requested if name not in spaces]
    if found:
        raise StudyError(found)


def _unknown(option: str, name: str, known: Iterable[str]) -> Problem:
    return Problem("kedro run", f"--{option}: no {name!r} here", nearest(name, sorted(known)))


def _namespaces(whole: str | None) -> list[str]:
    """Returns a namespace after those around it: ``mug`` and ``mug.hypnos`` of ``mug.hypnos``."""
    parts = whole.split(".") if whole else []
    return [".".join(parts[: count + 1]) for count in range(len(parts))]
