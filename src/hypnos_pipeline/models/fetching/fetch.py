"""``kedro models fetch``: every network of a study, once; verified ever after.

A network comes into its folder whole or not at all. What was downloaded lies in a hidden folder beside it
until then, so that an attempt that was cut off goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hypnos_pipeline.errors import FetchError, HypnosError, StorageFull, Unreachable
from hypnos_pipeline.models.fetching import hub, releases
from hypnos_pipeline.models.fetching.conversion import link
from hypnos_pipeline.models.fetching.placing import place_published
from hypnos_pipeline.models.fetching.remote import RemoteFile, RemoteNetwork
from hypnos_pipeline.models.integrity import folder_problems
from hypnos_pipeline.models.lock import (
    LOCK_FILE,
    FileRecord,
    ModelRecord,
    read_lock,
    read_record,
    write_lock,
)
from hypnos_pipeline.models.random.folder import make_random_folder
from hypnos_pipeline.models.reference import adopt_command, is_present
from hypnos_pipeline.models.settings import ModelReference

Report = Callable[[str], None]


def fetch_all(references: Mapping[str, ModelReference], lock_file: Path, report: Report) -> dict[str, str]:
    """Fetches every network that has a source and is not here, and verifies every one that is.

    Args:
        references: Key below ``models`` to reference.
        lock_file: The environment's ``models.lock``; written after each network.
        report: Called with what happens, one line at a time.

    Returns:
        Key to what is wrong, empty if every network is here and whole.

    Raises:
        StorageFull: If what is to be downloaded does not fit on the disk; nothing is downloaded then.
    """
    lock, problems = read_lock(lock_file), dict[str, str]()
    found = _find_all(references, lock, problems)
    _check_room({key: (each, Path(references[key].folder)) for key, each in found.items()}, report)
    for key, reference in references.items():
        if key in problems:
            continue
        try:
            if key in found:
                record = _fetched(key, reference, lock.get(key), found[key], report)
            else:
                record = _here(key, reference, lock.get(key), lock_file.parent.name, report)
        except HypnosError as error:
            problems[key] = error.message
        else:
            # What a seed decides needs no lock, and its last bits may be this machine's.
            if record is not None and reference.random is None and lock.get(key) != record:
                lock[key] = record
                write_lock(lock_file, lock)
    return {key: problems[key] for key in references if key in problems}


def check_lock(key: str, reference: ModelReference, locked: ModelRecord | None) -> None:
    """Compares what the study names with what ``models.lock`` records under a key.

    Raises:
        FetchError: If they differ.
    """
    if locked and (wrong := locked.disagreement(reference)):
        raise FetchError(f"{LOCK_FILE} {wrong}; remove its entry {key!r} and the folder to fetch anew")


def _find_all(
    references: Mapping[str, ModelReference], lock: Mapping[str, ModelRecord], problems: dict[str, str]
) -> dict[str, RemoteNetwork]:
    """Asks for the files of every network that is to be downloaded, of each host until it fails to answer.

    Args:
        references: Key below ``models`` to reference.
        lock: What was recorded.
        problems: Filled with what is wrong, by key.
    """
    found, unreachable = dict[str, RemoteNetwork](), dict[str, Unreachable]()
    for key, reference in references.items():
        if is_present(reference) or not (reference.hub or reference.url):
            continue
        host = urlsplit(reference.url).netloc if reference.url else "hub"
        try:
            if host in unreachable:
                raise unreachable[host]
            check_lock(key, reference, lock.get(key))
            found[key] = _find(key, reference, lock.get(key))
        except Unreachable as error:
            unreachable[host] = error
            problems[key] = f"{reference.id}: {error.message}"
        except HypnosError as error:
            problems[key] = error.message
    return found


def _find(key: str, reference: ModelReference, locked: ModelRecord | None) -> RemoteNetwork:
    """Asks for the files of a network that has a source elsewhere."""
    if reference.url:
        location, size = releases.find(reference.url)
        network = RemoteNetwork(None, {releases.file_name(reference.url): RemoteFile(location, size)})
    else:
        revision = reference.revision or (locked.revision if locked else None)
        network = hub.find(key, str(reference.hub), revision)
    return network.pinned(reference.digests, locked)


def _check_room(found: Mapping[str, tuple[RemoteNetwork, Path]], report: Report) -> None:
    """Reports how much is to be downloaded and how much room there is, disk by disk.

    Raises:
        StorageFull: If it does not fit.
    """
    disks: dict[int, list[tuple[int, int, Path]]] = {}
    for network, folder in found.values():
        existing = next(parent for parent in folder.absolute().parents if parent.is_dir())
        disks.setdefault(existing.stat().st_dev, []).append((*network.room(_staging(folder)), existing))
    for rooms in disks.values():
        download, folder = sum(room[0] for room in rooms), rooms[0][2]
        needed, free = download + max(room[1] for room in rooms), shutil.disk_usage(folder).free
        networks = f"{len(rooms)} network{'s' * (len(rooms) != 1)}"
        report(f"{networks} to download, {_size(download)}; {_size(free)} are free on the disk")
        if needed > free:
            lacking = f"{_size(needed)} are needed for it and {_size(free)} are free on the disk of {folder}"
            raise StorageFull(f"{lacking}; make room, or make that folder a link to one on another disk")


def _here(
    key: str, reference: ModelReference, locked: ModelRecord | None, env: str, report: Report
) -> ModelRecord | None:
    """Verifies a network that is here, or makes one with random weights.

    Returns:
        Its record; None for a folder of the project's own.

    Raises:
        FetchError: If it is not here, or not what was recorded.
    """
    if not reference.fetched:
        if not is_present(reference):
            raise FetchError(f"{reference.folder}: no such folder; it belongs to the project: restore it")
        return None
    check_lock(key, reference, locked)
    if not is_present(reference):
        report(f"{key}: making {reference.id}")
        return make_random_folder(reference)
    folder = Path(reference.folder)
    record = locked or read_record(folder)
    if record is None:
        adopt = adopt_command(key, folder, env)
        raise FetchError(f"{folder} was not filled by this command; `{adopt}` takes what is in it")
    disagreement = "" if locked else record.disagreement(reference)
    if wrong := [line for line in [disagreement, *record.file_problems(folder)] if line]:
        raise FetchError(f"{'; '.join(wrong)}; remove {folder} to fetch it anew")
    if lacking := folder_problems(key, folder):
        entry = f"{folder} and the entry {key!r} of {LOCK_FILE}"
        raise FetchError(f"{'; '.join(lacking)}; remove {entry} to fetch it anew")
    report(f"{key}: {reference.id} is here and verified")
    return record


def _fetched(
    key: str, reference: ModelReference, locked: ModelRecord | None, found: RemoteNetwork, report: Report
) -> ModelRecord:
    """Downloads a network's files, compares them with what is pinned, and puts the whole in place."""
    folder = Path(reference.folder)
    staging = _staging(folder)
    size = sum(file.bytes or 0 for file in found.files.values())
    files = f"{len(found.files)} file{'s' * (len(found.files) != 1)}, {_size(size)}"
    report(f"{key}: {reference.id}{f' at {found.revision}' if found.revision else ''}, {files}")
    _download(found, reference, staging)
    downloaded = {name: FileRecord.of(staging / name, bool(reference.sha512)) for name in found.files}
    source = ModelRecord(source=reference.id, revision=found.revision, downloaded=downloaded, kept={})
    try:
        files = {name: staging / name for name in found.files}
        record = place_published(key, source, files, folder, locked, link)
    except FetchError as error:
        shutil.rmtree(staging)
        raise FetchError(f"{reference.id}: {error.message}; nothing was kept") from error
    shutil.rmtree(staging)
    return record


def _download(found: RemoteNetwork, reference: ModelReference, staging: Path) -> None:
    """Downloads files, those that are not there yet; what has come stays for the next try."""
    try:
        with hub.refusals_explained(reference.id, found.revision):
            for name, file in found.files.items():
                file.get(staging / name)
    except HypnosError:
        if not any(file.is_file() for file in staging.rglob("*")):
            shutil.rmtree(staging, ignore_errors=True)
        raise


def _staging(folder: Path) -> Path:
    """Returns where the downloaded files of a network's folder lie until it is whole."""
    return folder.with_name(f".{folder.name}.download")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
