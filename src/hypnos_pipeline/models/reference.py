"""Where a referenced network lies on this machine, and what exactly it is.

A reference is always a folder; ``kedro models fetch`` fills those that come from elsewhere. Nothing here ever
reaches for the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from hypnos_pipeline.errors import MissingModels, Problem
from hypnos_pipeline.models.integrity import HASHED_SUFFIXES, files_of
from hypnos_pipeline.models.lock import RECORD_FILE, read_record
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.storage.hashing import file_sha256


def locate(reference: ModelReference) -> Path:
    """Returns the folder of a network, relative to the working directory (the project root).

    Raises:
        MissingModels: If it is not on this machine.
    """
    return locate_all({"model": reference})["model"]


def locate_all(references: Mapping[str, ModelReference]) -> dict[str, Path]:
    """Returns the folder of every network, by its key in the configuration, as given.

    Raises:
        MissingModels: Naming every missing network and how to get it.
    """
    absent = [absence(name, each) for name, each in references.items() if not is_present(each)]
    if absent:
        raise MissingModels(absent)
    return {name: Path(reference.folder) for name, reference in references.items()}


def describe(reference: ModelReference) -> dict[str, str | None]:
    """Returns what identifies a network beside a figure: ``id``, ``revision`` and ``sha256`` of its files.

    Raises:
        MissingModels: If it is not on this machine.
    """
    folder = locate(reference)
    revision = reference.revision
    if reference.hub is not None and revision is None and (record := read_record(folder)):
        revision = record.revision
    return {"id": reference.id, "revision": revision, "sha256": folder_sha256(folder)}


def folder_sha256(folder: Path) -> str:
    """Returns one digest of a network's weights and configurations.

    Taken over the sorted relative names and each file's own digest, so neither the model card nor the
    folder's place or age changes it, nor the record of where it came from.
    """
    digest = hashlib.sha256()
    for name, file in files_of(folder).items():
        if file.suffix in HASHED_SUFFIXES and file.name != RECORD_FILE:
            digest.update(f"{name}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def is_present(reference: ModelReference) -> bool:
    """Returns whether anything lies where the network belongs."""
    folder = Path(reference.folder)
    return folder.is_dir() and any(folder.iterdir())


def absence(name: str, reference: ModelReference, env: str | None = None) -> Problem:
    """Returns that a network, whose key is e.g. ``models.dino``, is not here, and how to get it."""
    if not reference.fetched:
        fix = "it belongs to the project: restore it, or correct the path"
        return Problem(name, f"no folder {reference.folder!r}", fix)
    made = "makes it here" if reference.random else "gets it, with network, once"
    return Problem(name, f"{reference.id} is not in {reference.folder}", f"`{fetch_command(env)}` {made}")


def fetch_command(env: str | None) -> str:
    """Returns the command that fetches the networks of an environment."""
    return f"kedro models fetch --env {env or '<env>'}"


def adopt_command(key: str, path: Path, env: str | None) -> str:
    """Returns the command that takes a network from a file or folder that was filled by hand."""
    return f"kedro models adopt {key} {path} --env {env or '<env>'}"
