"""``kedro models fetch``: every network of a study, once; verified ever after.

A network comes into its folder whole or not at all. What was downloaded lies in a hidden folder beside it
until then, so that an attempt that was cut off goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hypnos_pipeline.errors import FetchError, HypnosError, Unreachable
from hypnos_pipeline.models.fetching import address, hub
from hypnos_pipeline.models.fetching.conversion import keep
from hypnos_pipeline.models.lock import (
    LOCK_FILE,
    FileRecord,
    ModelRecord,
    read_lock,
    read_record,
    recorded_files,
    write_lock,
    write_record,
)
from hypnos_pipeline.models.random.folder import make_random_folder
from hypnos_pipeline.models.reference import is_present
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.storage.replacing import replaced_folder

Report = Callable[[str], None]


def fetch_all(references: Mapping[str, ModelReference], lock_file: Path, report: Report) -> dict[str, str]:
    """Fetches every network that has a source and is not here, and verifies every one that is.

    Args:
        references: Key below ``models`` to reference.
        lock_file: The environment's ``models.lock``; written after each network.
        report: Called with what happens, one line at a time.

    Returns:
        Key to what is wrong, empty if every network is here and whole.
    """
    lock, problems, unreachable = read_lock(lock_file), {}, {}
    for key, reference in references.items():
        host = _host(reference)
        try:
            if host in unreachable and not is_present(reference):  # each host is tried once
                raise unreachable[host]
            record = fetch(key, reference, lock.get(key), report)
        except Unreachable as error:
            unreachable[host] = error
            problems[key] = f"{reference.id}: {error.message}"
        except HypnosError as error:
            problems[key] = error.message
        else:
            # What a seed decides needs no lock, and its last bits may be this machine's.
            if record is not None and reference.random is None and lock.get(key) != record:
                lock[key] = record
                write_lock(lock_file, lock)
    return problems


def fetch(
    key: str, reference: ModelReference, locked: ModelRecord | None, report: Report
) -> ModelRecord | None:
    """Makes sure that one network is here and what it was recorded to be, in ``locked`` if not None.

    Returns:
        Its record; None for a folder of the project's own.

    Raises:
        HypnosError: If it is not, and cannot be made so.
    """
    if not reference.fetched:
        if not is_present(reference):
            raise FetchError(f"{reference.folder}: no such folder; it belongs to the project: restore it")
        return None
    if locked and (wrong := locked.disagreement(reference)):
        raise FetchError(f"{LOCK_FILE} {wrong}; remove its entry {key!r} and the folder to fetch anew")
    if is_present(reference):
        return _verified(reference, locked, key, report)
    if reference.random is not None:
        report(f"{key}: making {reference.id}")
        return make_random_folder(reference)
    return _fetched(key, reference, locked, report)


def _verified(reference: ModelReference, locked: ModelRecord | None, key: str, report: Report) -> ModelRecord:
    """Compares what is here with the lock, else with the record beside the files."""
    folder = Path(reference.folder)
    record = locked or read_record(folder)
    if record is None:
        raise FetchError(f"{folder} was not filled by this command; remove it, or name it without a source")
    disagreement = "" if locked else record.disagreement(reference)
    if wrong := [line for line in [disagreement, *record.file_problems(folder)] if line]:
        raise FetchError(f"{'; '.join(wrong)}; remove {folder} to fetch it anew")
    report(f"{key}: {reference.id} is here and verified")
    return record


def _fetched(key: str, reference: ModelReference, locked: ModelRecord | None, report: Report) -> ModelRecord:
    """Downloads, compares with what is pinned, converts, and puts the whole in place."""
    folder = Path(reference.folder)
    staging = folder.with_name(f".{folder.name}.download")
    revision, names = _download(key, reference, locked, staging, report)
    downloaded = {name: FileRecord.of(staging / name) for name in names}
    pinned = locked.downloaded if locked else {}
    wrong = [
        f"{name} has sha256 {downloaded[name].sha256}, expected {expected}"
        for name, digest in names.items()
        for expected in [pinned[name].sha256 if name in pinned else digest]
        if expected is not None and downloaded[name].sha256 != expected
    ]
    wrong += [f"{name} is missing, which {LOCK_FILE} lists" for name in pinned.keys() - names.keys()]
    source = ModelRecord(source=reference.id, revision=revision, downloaded=downloaded, kept={})
    try:
        if wrong:
            raise FetchError("; ".join(wrong))
        record = _put_in_place(key, source, staging, folder, locked)
    except FetchError as error:
        shutil.rmtree(staging)
        raise FetchError(f"{reference.id}: {error.message}; nothing was kept") from error
    shutil.rmtree(staging)
    return record


def _put_in_place(
    key: str, source: ModelRecord, staging: Path, folder: Path, locked: ModelRecord | None
) -> ModelRecord:
    """Fills a network's folder with what was downloaded, converted where it must be, and the record of it.

    Raises:
        FetchError: If a file cannot be converted, or comes out as another than the lock lists.
    """
    with replaced_folder(folder) as unfinished:
        for name in source.downloaded:
            keep(key, staging / name, (unfinished / name).parent)
        record = source.model_copy(update={"kept": recorded_files(unfinished)})
        if locked and record.kept != locked.kept:
            raise FetchError(f"it is converted to other files than {LOCK_FILE} lists")
        write_record(unfinished, record)
    return record


def _download(
    key: str, reference: ModelReference, locked: ModelRecord | None, staging: Path, report: Report
) -> tuple[str | None, dict[str, str | None]]:
    """Downloads a network's files; returns the revision, and each file with the sha256 that it must have."""
    if reference.url is not None:
        report(f"{key}: {reference.url}")
        name = address.file_name(reference.url)
        if not (staging / name).is_file():
            address.download(reference.url, staging / name)
        return None, {name: reference.sha256}
    revision = reference.revision or (locked.revision if locked else None)
    files = hub.list_files(key, str(reference.hub), revision)
    size = f"{len(files.digests)} files, {files.bytes / 1e6:,.1f} MB"
    report(f"{key}: {reference.hub} at {files.commit}, {size}")
    hub.download_files(files, staging)
    return files.commit, files.digests


def _host(reference: ModelReference) -> str:
    return urlsplit(reference.url).netloc if reference.url else "hub" if reference.hub else ""
