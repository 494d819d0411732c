"""A network's folder, filled from published files or from what was converted before: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.conversion import keep
from hypnos_pipeline.models.integrity import folder_problems
from hypnos_pipeline.models.lock import LOCK_FILE, ModelRecord, recorded_files, write_record
from hypnos_pipeline.storage.replacing import replaced_folder

Take = Callable[[Path, Path], object]


def place_published(
    key: str,
    source: ModelRecord,
    files: Mapping[str, Path],
    folder: Path,
    locked: ModelRecord | None,
    take: Take,
) -> ModelRecord:
    """Fills a network's folder with published files, converted where they must be, and the record of them.

    Args:
        key: The network's key below ``models``.
        source: What is known of the files.
        files: Each file's name in the repository, and where it lies.
        folder: The network's own.
        locked: What ``models.lock`` lists.
        take: Puts a file that needs no conversion at another path.

    Returns:
        ``source`` with what was kept.

    Raises:
        FetchError: If a file cannot be converted, comes out as another than the lock lists, or if the loaders
            need more files than these.
    """
    with replaced_folder(folder) as unfinished:
        for name, file in files.items():
            keep(key, file, unfinished / name, take)
        record = source.model_copy(update={"kept": recorded_files(unfinished)})
        if locked and record.kept != locked.kept:
            other = f"other files than {LOCK_FILE} lists become of it"
            raise FetchError(f"{other}; remove its entry {key!r} to take them as they are")
        if problems := folder_problems(key, unfinished):
            raise FetchError("; ".join(line.replace(f"{unfinished}/", "") for line in problems))
        write_record(unfinished, record)
    return record


def place_kept(record: ModelRecord, source: Path, folder: Path, take: Take) -> ModelRecord:
    """Fills a network's folder with the files that a record lists as kept, from another such folder."""
    with replaced_folder(folder) as unfinished:
        for name in record.kept:
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            take(source / name, unfinished / name)
        write_record(unfinished, record)
    return record
