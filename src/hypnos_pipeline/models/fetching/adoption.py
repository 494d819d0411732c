"""``kedro models adopt``: a network from a file or folder that was filled by hand.

It may be a copy of the repository or the release file, whatever else lies beside it, or the folder that
``kedro models fetch`` filled on another machine. What the pipelines need of it goes into the network's own
folder, converted and recorded as if it had been fetched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.choice import needed_files
from hypnos_pipeline.models.fetching.conversion import link
from hypnos_pipeline.models.fetching.fetch import check_lock
from hypnos_pipeline.models.fetching.placing import Take, place_kept, place_published
from hypnos_pipeline.models.fetching.releases import file_name
from hypnos_pipeline.models.fetching.remote import RemoteFile, RemoteNetwork, wrong_digest
from hypnos_pipeline.models.integrity import files_of
from hypnos_pipeline.models.lock import (
    LOCK_FILE,
    RECORD_FILE,
    FileRecord,
    ModelRecord,
    read_lock,
    read_record,
    write_lock,
)
from hypnos_pipeline.models.reference import is_present
from hypnos_pipeline.models.settings import ModelReference

_POINTER = b"version https://git-lfs.github.com/spec/"


def adopt(
    key: str, reference: ModelReference, path: Path, lock_file: Path, report: Callable[[str], None]
) -> None:
    """Fills a network's folder from a file or folder, and records it in ``models.lock``.

    Args:
        key: The network's key below ``models``.
        reference: The network; its pins are checked, as far as a folder can prove them.
        path: The file or folder, which may be the network's own folder; what no pipeline reads of that is
            moved beside it.
        lock_file: The environment's ``models.lock``.
        report: Called with what was done, one line at a time.

    Raises:
        FetchError: If something is missing, or is not what is pinned.
    """
    if not (reference.hub or reference.url):
        kind = "is made by the run itself" if reference.random else "belongs to the project"
        raise FetchError(f"models.{key} {kind}; only a network with a key hub or url is adopted")
    if not path.exists():
        raise FetchError(f"{path}: no such file or folder")
    lock, folder = read_lock(lock_file), Path(reference.folder)
    check_lock(key, reference, lock.get(key))
    if folder.resolve() in (path.resolve(), *path.resolve().parents):
        with _moved_aside(folder) as aside:
            inside = aside / path.resolve().relative_to(folder.resolve())
            record, taken = _adopted(key, reference, inside, lock.get(key), link)
        if left := _left_over(aside, taken):
            report(f"{key}: {left} files that no pipeline reads are in {aside} now")
    elif is_present(reference):
        raise FetchError(f"{folder} is not empty; remove it, or adopt what is in it")
    else:
        record, _ = _adopted(key, reference, path, lock.get(key), shutil.copyfile)
    report(f"{key}: {folder} was filled from {path}{_proof(reference, record, lock.get(key))}")
    lock[key] = record
    write_lock(lock_file, lock)


def _adopted(
    key: str, reference: ModelReference, path: Path, locked: ModelRecord | None, take: Take
) -> tuple[ModelRecord, list[Path]]:
    """Fills the network's folder; returns its record, and which files were taken."""
    folder = Path(reference.folder)
    known = locked or (read_record(path) if path.is_dir() else None)
    if known is not None:
        wrong = [known.disagreement(reference), *known.file_problems(path)]
        if not any(wrong):
            taken = [path / name for name in (*known.kept, RECORD_FILE)]
            return place_kept(known, path, folder, take), taken
        if locked is None:
            raise FetchError("; ".join(line for line in wrong if line))
    files = _published(key, reference, path)
    pinned = RemoteNetwork(None, {name: RemoteFile(str(file)) for name, file in files.items()})
    pinned = pinned.pinned(reference.digests, locked)
    for name, file in files.items():
        if wrong := wrong_digest(file, pinned.files[name].digests):
            raise FetchError(f"{file}: {wrong}; it is not the file that is pinned")
    downloaded = {name: FileRecord.of(file, bool(reference.sha512)) for name, file in files.items()}
    source = ModelRecord(
        source=reference.id, revision=reference.revision, adopted=True, downloaded=downloaded, kept={}
    )
    return place_published(key, locked or source, files, folder, locked, take), [*files.values()]


def _published(key: str, reference: ModelReference, path: Path) -> dict[str, Path]:
    """Returns the files that the pipelines need, by the names that they were published under.

    Raises:
        FetchError: If one is missing, or is a mere pointer to a file in Git LFS.
    """
    cached = path / "snapshots" / str(reference.revision)  # as the hub's own library keeps a repository
    path = cached if cached.is_dir() else path
    there = files_of(path) if path.is_dir() else {path.name: path}
    if reference.url:
        name = file_name(reference.url)
        found = [file for file in there.values() if file.name == name] if path.is_dir() else [path]
        if not found:
            raise FetchError(f"{path} lacks {name}, which is what {reference.url} publishes")
        files = {name: found[0]}
    else:
        try:
            files = {name: there[name] for name in needed_files(key, there)}
        except FetchError as error:
            raise FetchError(f"{path} {error.message}") from error
    for file in files.values():
        with file.open("rb") as stream:
            if stream.read(len(_POINTER)) == _POINTER:
                raise FetchError(
                    f"{file} is a pointer to a file in Git LFS; `git lfs pull` there gets the file"
                )
    return files


def _proof(reference: ModelReference, record: ModelRecord, locked: ModelRecord | None) -> str:
    """Says how far it is proven that an adopted network is the one that the study names."""
    if locked:
        return f"; its files are those that {LOCK_FILE} lists"
    if not record.adopted:
        return f"; its files are those that its {RECORD_FILE} lists"
    pinned = f"; its {' and '.join(reference.digests)} is the pinned one" if reference.digests else ""
    if reference.revision:
        what = f"that it is commit {reference.revision} of {reference.hub}, a folder cannot prove"
        return f"{pinned}; {what}: {LOCK_FILE} records the digests of what is there"
    return pinned or f"; {LOCK_FILE} records the digests of what is there"


@contextmanager
def _moved_aside(folder: Path) -> Generator[Path]:
    """Yields another folder that holds what was in one; puts it back if anything goes wrong.

    Raises:
        FetchError: If such a folder is there from an earlier time.
    """
    aside = folder.with_name(f"{folder.name}.left_over")
    if aside.exists():
        raise FetchError(f"{aside} is in the way; move it elsewhere")
    os.replace(folder, aside)
    try:
        yield aside
    except BaseException as error:
        os.replace(aside, folder)
        if isinstance(error, FetchError):
            raise FetchError(error.message.replace(str(aside), str(folder))) from error
        raise


def _left_over(aside: Path, taken: Iterable[Path]) -> int:
    """Removes what was taken, and the folder if it is then empty; returns how many files are left."""
    for file in taken:
        file.unlink(missing_ok=True)
    left = len(files_of(aside))
    if not left:
        shutil.rmtree(aside)
    return left
