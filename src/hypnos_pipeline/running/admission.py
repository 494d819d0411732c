"""What a worker on another machine must have in common with the run before it takes work.

The same function describes the run's own process and each worker; where the two disagree, a worker's numbers
could differ or its files could go elsewhere, and it is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import hypnos_pipeline
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.models.integrity import HASHED_SUFFIXES, files_of
from hypnos_pipeline.models.machine import LIBRARIES, cpu_kind
from hypnos_pipeline.running import capacity
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.storage.hashing import file_sha256

PACKAGE = Path(hypnos_pipeline.__file__).parent
CARRIERS = ("kedro", "kedro-datasets", "dask", "distributed", "cloudpickle")
"""Libraries that carry nodes and their datasets to a worker."""
THREADS = "OMP_NUM_THREADS"
Facts = Mapping[str, Any]
"""What a process is, in plain types, since a worker may run another version of this module."""


@dataclass(frozen=True)
class Run:
    """What a run asks each worker about.

    Attributes:
        project: The project's folder.
        sign: A file there that only this run has made.
        networks: Folders of the networks that the run reads, by key; relative ones are below the project.
        on_gpu: Whether the study computes on GPUs where there are some.
        memory: Bytes that the largest node may take.
    """

    project: str
    sign: str
    networks: Mapping[str, str]
    on_gpu: bool
    memory: float


def code_digest() -> str:
    """Returns a digest of the names and contents of the files of this package."""
    files = {name: file for name, file in files_of(PACKAGE).items() if "__pycache__" not in name}
    lines = [f"{name} {file_sha256(file)}" for name, file in files.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


CODE_AS_IMPORTED = code_digest()


async def worker_facts(run: Run, dask_worker: Any) -> Facts:
    """Describes a worker; runs there, in a thread of its own, so that the worker goes on answering."""
    limit = dask_worker.memory_manager.memory_limit
    facts = await asyncio.to_thread(own_facts, run)
    return facts | {"name": str(dask_worker.name), "memory": limit or facts["memory"]}


def own_facts(run: Run) -> dict[str, Any]:
    """Describes this process."""
    project = Path(run.project)
    return {
        "code": CODE_AS_IMPORTED,
        "code_now": code_digest(),
        "package": str(PACKAGE),
        "python": platform.python_version(),
        "libraries": {name: _installed(name) for name in (*LIBRARIES, *CARRIERS)},
        "project": (project / run.sign).is_file(),
        "writable": os.access((project / run.sign).parent, os.W_OK),
        "networks": {key: _digests(project / folder) for key, folder in run.networks.items()},
        "threads": os.environ.get(THREADS),
        "memory": capacity.memory(),
        "processor": cpu_kind(),
        "gpus": _gpus() if run.on_gpu else [],
    }


def problems(worker: str, there: Facts, here: Facts, run: Run) -> list[Problem]:
    """Returns why a worker cannot take part in a run; none if it can.

    Args:
        worker: Its name, for the message.
        there: What it is.
        here: What the run's own process is.
        run: The run.
    """
    return [Problem(worker, what, fix) for what, fix in _disagreements(there, here, run)]


def _disagreements(there: Facts, here: Facts, run: Run) -> Iterator[tuple[str, str]]:
    if there["code"] != here["code"]:
        if there["code_now"] == here["code"]:
            yield "runs the code as it was before the last change", "restart the worker"
        else:
            yield f"runs other code, {there['package']}", f"install the project there from {run.project}"
        return  # it may know other facts than this version asks for
    if not there["project"]:
        yield f"does not see {run.project} as it is here", "mount the same folder there, at the same path"
        return
    yield from _other_numbers(there, here, run)
    yield from _unfit(there, run)


def _other_numbers(there: Facts, here: Facts, run: Run) -> Iterator[tuple[str, str]]:
    """What would give other results, or none."""
    if not there["writable"]:
        yield f"cannot write to {run.project}", "start the worker as a user who can"
    if _series(there["python"]) != _series(here["python"]):
        yield f"runs Python {there['python']}", f"use the run's own, {here['python']}"
    if moved := _differing(there["libraries"], here["libraries"]):
        found = ", ".join(f"{name} {there['libraries'].get(name) or 'missing'}" for name in moved)
        wanted = ", ".join(f"{name} {here['libraries'][name]}" for name in moved)
        yield f"has {found}", f"use the run's own environment, with {wanted}"
    for key, files in here["networks"].items():
        if names := _differing(there["networks"][key], files):
            what = f"has another models.{key}: {', '.join(names)} in {run.networks[key]}"
            yield what, "copy the folder there from the machine of this run"


def _unfit(there: Facts, run: Run) -> Iterator[tuple[str, str]]:
    """How the worker was started."""
    if there["memory"] < run.memory:
        what = f"may take {shown_bytes(there['memory'])}; a node of this run takes {shown_bytes(run.memory)}"
        yield what, "start the worker with more (`--memory-limit`)"
    if there["threads"] != "1":
        what = f"has {THREADS}={there['threads']}" if there["threads"] else f"does not set {THREADS}"
        yield what, f"start the worker with {THREADS}=1"
    if len(there["gpus"]) > 1:
        what = f"sees {len(there['gpus'])} GPUs and would use the first"
        yield what, "start one worker for each GPU, with CUDA_VISIBLE_DEVICES=0, then 1 …"


def kind(facts: Facts) -> str:
    """Returns what a worker computes on: two kinds give numbers that differ in their last digits."""
    return ", ".join([facts["processor"], *facts["gpus"]])


def _differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*there, *here}) if there.get(name) != here.get(name)]


def _series(python: str) -> list[str]:
    return python.split(".")[:2]


def _digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file that decides what a network computes; none if it is not there."""
    files = files_of(folder) if folder.is_dir() else {}
    return {name: file_sha256(file) for name, file in files.items() if file.suffix in HASHED_SUFFIXES}


def _gpus() -> list[str]:
    names = capacity.gpus()
    if not names:
        return []
    import torch

    return [torch.cuda.get_device_name(number) for number in range(len(names))]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
