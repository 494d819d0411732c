"""How long a run will take on this machine, estimated before it starts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from hypnos_pipeline.checks.findings import Finding, Passed
from hypnos_pipeline.checks.machine import computes_on_gpu
from hypnos_pipeline.checks.sizes import NetworkSizes, network_sizes
from hypnos_pipeline.checks.study_files import StudyFiles
from hypnos_pipeline.running import capacity, timings
from hypnos_pipeline.running.costs import makespan
from hypnos_pipeline.running.showing import of_kedro_run, place
from hypnos_pipeline.running.words import roughly
from hypnos_pipeline.study.environments import BASE, DEFAULT
from hypnos_pipeline.study.loading import StudyConfigLoader, current_parameters
from hypnos_pipeline.study.model import Study
from hypnos_pipeline.study.parts import ValidParts

WORTH_SAYING = 60.0
"""Seconds of a run that is announced."""
ALONE = "SequentialRunner"
EMBEDDED = NetworkSizes(unet=9_435_908, levels=3)
"""The models that ``running/costs.py`` was measured with."""
EMBEDDED_IMAGE = 64
CONVOLUTION = 0.45
"""Seconds of :func:`gpu_speed`'s convolution on one core of that machine."""


def describe_duration(
    pipeline: Pipeline, parameters: dict[str, Any], root: Path, env: str, workers: int | None = None
) -> tuple[float, str]:
    """Estimates how long a run takes.

    Args:
        pipeline: What will run.
        parameters: Of the environment; they must be valid.
        root: The project's folder.
        env: The environment.
        workers: How many processes run it; by default one a GPU, or else one a core.

    Returns:
        Seconds, and in words how long, with how many processes, and what the estimate comes from.
    """
    study = Study.from_parameters(parameters)
    on_gpu = computes_on_gpu(study.runtime) if study.runtime.device != "cpu" else False
    known, scale, sort = timings.known(root, env), 1.0, "estimate"
    source = "from earlier runs here"
    if not known:
        sizes = network_sizes(ValidParts.of(Study, parameters))
        scale = relative_cost(sizes, study.image_size) * (gpu_speed() if on_gpu else timings.speed())
        sort = "estimate" if sizes.unet == EMBEDDED.unet else "rough estimate"
        source = f"from the speed of this {'GPU' if on_gpu else 'processor'}; a first run makes it better"
    workers = workers or (len(capacity.gpus()) if on_gpu else capacity.cores())
    workers = min(workers, max(map(len, pipeline.grouped_nodes), default=1))
    seconds = makespan(pipeline, timings.expected(pipeline, study, known, scale), workers)
    processes = f"{workers} process{'' if workers == 1 else 'es'}"
    return seconds, f"about {roughly(seconds)} with {processes} ({sort}, {source})"


def relative_cost(sizes: NetworkSizes, image_size: int) -> float:
    """Returns what a training step of a model costs, in those of the embedded one: parameters × latents."""
    latents = (image_size / 2**sizes.levels) ** 2 / (EMBEDDED_IMAGE / 2**EMBEDDED.levels) ** 2
    return sizes.unet / EMBEDDED.unet * latents


def gpu_speed(device: str = "cuda") -> float:
    """Times a convolution of Stable Diffusion's size, both ways; returns its seconds in those of a core."""
    import torch

    images = torch.ones(2, 320, 64, 64, device=device, requires_grad=True)
    weights = torch.ones(320, 320, 3, 3, device=device, requires_grad=True)
    best = float("inf")
    for _ in range(4):  # the first one chooses an algorithm
        began = time.perf_counter()
        torch.nn.functional.conv2d(images, weights, padding=1).mean().backward()  # pyright: ignore[reportUnknownMemberType]
        assert images.grad is not None
        images.grad[0, 0, 0, 0].item()  # waits until it is there
        best = min(best, time.perf_counter() - began)
    return best / CONVOLUTION


def duration_finding(files: StudyFiles) -> list[Finding]:
    """Says how long the whole study takes; nothing where its configuration is wrong."""
    from kedro.framework.project import pipelines
    from kedro.framework.startup import bootstrap_project

    if files.problems:
        return []
    bootstrap_project(files.root)
    StudyConfigLoader(str(files.root / "conf"), env=files.env, base_env=BASE, default_run_env=DEFAULT)
    full = cast("Mapping[str, Pipeline]", pipelines)["full"]
    _, text = describe_duration(full, files.parameters, files.root, files.env)
    return [Passed("time", text)]


class AnnouncedDuration:
    """Says how long what ``kedro run`` was called for will take on this machine, if more than a minute."""

    @hook_impl(trylast=True)  # a run that the checks refuse takes no time
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Prints one line to stderr."""
        if of_kedro_run() and click.get_current_context().params.get("scheduler") is None:
            root, env = place(run_params)
            workers = (
                1 if ALONE in run_params["runner"] else click.get_current_context().params.get("workers")
            )
            seconds, text = describe_duration(pipeline, current_parameters(), root, env, workers)
            if seconds > WORTH_SAYING:
                click.echo(f"This takes {text}.", err=True)
