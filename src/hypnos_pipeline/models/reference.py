"""Where a referenced network lies on this machine, and what exactly it is.

A reference is a folder of the project or a hub repository that is already in the local cache; nothing here
ever reaches for the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import click

from hypnos_pipeline.models.integrity import DIGESTS, file_sha256, folder_faults
from hypnos_pipeline.models.settings import ModelReference, ModelsSettings

# Files that decide what a network computes; model cards, pictures and foreign formats do not.
HASHED_SUFFIXES = (".safetensors", ".json", ".txt")


class MissingModels(click.ClickException):
    """Networks that the study names are not on this machine; the message lists them all."""


def locate(reference: ModelReference) -> Path:
    """Returns the folder of a network.

    Args:
        reference: A folder relative to the working directory (the project root), or a hub id.

    Raises:
        MissingModels: If it is not on this machine.
    """
    return locate_all({"model": reference})["model"]


def locate_all(references: Mapping[str, ModelReference] | ModelsSettings) -> dict[str, Path]:
    """Returns the folder of every network, or names all that are missing at once.

    Args:
        references: Key in the configuration (for the message) to reference, or all of ``models``.

    Raises:
        MissingModels: Naming every missing network and how to get it.
    """
    if isinstance(references, ModelsSettings):
        references = {f"models.{name}": value for name, value in references if value is not None}
    found = {name: _find(reference) for name, reference in references.items()}
    missing = [f"  {name}: {_mend(references[name])}" for name, folder in found.items() if folder is None]
    if missing:
        raise MissingModels("\n".join(["These networks are not on this machine:", *missing]))
    return {name: folder for name, folder in found.items() if folder is not None}


def describe(reference: ModelReference) -> dict[str, str | None]:
    """Returns what a figure must say of a network: ``id``, ``revision`` and ``sha256`` of its files.

    Raises:
        MissingModels: If it is not on this machine.
    """
    folder = locate(reference)
    revision = reference.revision
    if reference.hub is not None and revision is None:
        revision = folder.name  # the hub's cache names a snapshot's folder by its commit
    return {"id": reference.hub or reference.folder, "revision": revision, "sha256": folder_sha256(folder)}


def folder_sha256(folder: Path) -> str:
    """Returns one digest of a network's weights and configurations.

    Taken over the sorted relative names and each file's own digest, so neither the model card nor the
    folder's place or age changes it.
    """
    files = [file for file in folder.rglob("*") if file.suffix in HASHED_SUFFIXES and file.is_file()]
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.relative_to(folder).as_posix()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0{file_sha256(file)}\n".encode())
    return digest.hexdigest()


def network_faults(references: Mapping[str, ModelReference]) -> dict[str, list[str]]:
    """Says of every network what is missing or altered, before anything is loaded.

    Args:
        references: Key below ``models`` to reference.

    Returns:
        Per key the faults, each with its mend; an empty list for a network that is here and whole.
    """
    faults: dict[str, list[str]] = {}
    for key, reference in references.items():
        folder = _find(reference)
        if folder is None:
            faults[key] = [f"models.{key}: {_mend(reference)}"]
        else:
            mend = _restore(reference, folder)
            faults[key] = [f"models.{key}: {fault}; {mend}" for fault in folder_faults(key, folder)]
    return faults


def _find(reference: ModelReference) -> Path | None:
    if reference.folder is not None:
        folder = Path(reference.folder)
        return folder if folder.is_dir() and any(folder.iterdir()) else None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(reference.hub, revision=reference.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _restore(reference: ModelReference, folder: Path) -> str:
    if reference.hub is not None:
        pinned = f" --revision {reference.revision}" if reference.revision else ""
        return f"with network: `hf download {reference.hub}{pinned} --force-download`"
    if (folder.parent / DIGESTS).is_file():
        return f"restore it (`git checkout -- {folder}`); a change you want belongs in a folder of its own"
    return "copy the network there again"


def _mend(reference: ModelReference) -> str:
    if reference.folder is not None:
        return f"no folder {reference.folder!r}; it belongs to the project: restore it, or correct the path"
    pinned = f" --revision {reference.revision}" if reference.revision else ""
    return (
        f"{reference.hub} is not in the local hub cache; with network, once: "
        f"`hf download {reference.hub}{pinned}`"
    )
