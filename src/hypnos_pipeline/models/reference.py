"""Where a referenced network lies on this machine, and what exactly it is.

A reference is always a folder; ``kedro models fetch`` fills those that come from elsewhere. Nothing here ever
reaches for the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import click

from hypnos_pipeline.models.integrity import HASHED_SUFFIXES
from hypnos_pipeline.models.lock import RECORD_FILE, read_record
from hypnos_pipeline.models.settings import ModelReference, ModelsSettings
from hypnos_pipeline.storage.hashing import file_sha256


class MissingModels(click.ClickException):
    """Networks that the study names are not on this machine; the message lists them all."""


def locate(reference: ModelReference) -> Path:
    """Returns the folder of a network.

    Args:
        reference: Its folder is relative to the working directory (the project root).

    Raises:
        MissingModels: If it is not on this machine.
    """
    return locate_all({"model": reference})["model"]


def locate_all(
    references: Mapping[str, ModelReference] | ModelsSettings, env: str | None = None
) -> dict[str, Path]:
    """Returns the folder of every network, or names all that are missing at once.

    Args:
        references: Key in the configuration (for the message) to reference, or all of ``models``.
        env: The study's environment, for the message.

    Raises:
        MissingModels: Naming every missing network and how to get it.
    """
    if isinstance(references, ModelsSettings):
        references = {f"models.{name}": value for name, value in references if value is not None}
    missing = [
        f"  {name}: {absence(reference, env)}"
        for name, reference in references.items()
        if not is_present(reference)
    ]
    if missing:
        raise MissingModels("\n".join(["These networks are not on this machine:", *missing]))
    return {name: Path(reference.folder) for name, reference in references.items()}


def describe(reference: ModelReference) -> dict[str, str | None]:
    """Returns what a figure must say of a network: ``id``, ``revision`` and ``sha256`` of its files.

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
    files = [
        file
        for file in folder.rglob("*")
        if file.suffix in HASHED_SUFFIXES and file.name != RECORD_FILE and file.is_file()
    ]
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.relative_to(folder).as_posix()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def is_present(reference: ModelReference) -> bool:
    """Says whether anything lies where the network belongs."""
    folder = Path(reference.folder)
    return folder.is_dir() and any(folder.iterdir())


def absence(reference: ModelReference, env: str | None = None) -> str:
    """Says of a network that is not here how to get it."""
    if not reference.fetched:
        where = f"no folder {reference.folder!r}"
        return f"{where}; it belongs to the project: restore it, or correct the path"
    made = "makes it here" if reference.random else "gets it, with network, once"
    return f"{reference.id} is not in {reference.folder}; `{fetch_command(env)}` {made}"


def fetch_command(env: str | None) -> str:
    """Returns the command that fetches the networks of an environment."""
    return f"kedro models fetch --env {env or '<env>'}"
