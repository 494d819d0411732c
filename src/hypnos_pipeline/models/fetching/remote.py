"""A network where it is published: its files, how large they are and which digests they must have."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypnos_pipeline.errors import FetchError
from hypnos_pipeline.models.fetching.address import download, part_of
from hypnos_pipeline.models.fetching.conversion import is_foreign
from hypnos_pipeline.models.fetching.releases import is_address
from hypnos_pipeline.models.lock import LOCK_FILE, ModelRecord
from hypnos_pipeline.storage.hashing import file_digest
from hypnos_pipeline.storage.replacing import full_disk_explained


@dataclass(frozen=True)
class RemoteFile:
    """One file.

    Attributes:
        location: Its address, or its path where a folder takes the place of a host.
        bytes: Its size, if it is known.
        digests: What its content must have, by algorithm; see :func:`file_digest`.
        headers: Of the request.
    """

    location: str
    bytes: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, target: Path) -> None:
        """Puts the file at ``target``; one that is there already and right does not come again.

        Raises:
            FetchError: If it cannot be had, or has another digest; it is then not kept.
        """
        if not target.is_file() or wrong_digest(target, self.digests):
            with full_disk_explained(target):
                self._transfer(target)
        if wrong := wrong_digest(target, self.digests):
            target.unlink()
            raise FetchError(f"{self.location}: {wrong}; it was not kept")

    def _transfer(self, target: Path) -> None:
        if is_address(self.location):
            download(self.location, target, self.headers)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.location, part_of(target))
        os.replace(part_of(target), target)

    def remaining(self, target: Path) -> int:
        """Returns how many bytes are still to come, as far as it is known."""
        here = next((each.stat().st_size for each in (target, part_of(target)) if each.is_file()), 0)
        return max((self.bytes or 0) - here, 0)


@dataclass(frozen=True)
class RemoteNetwork:
    """The files of one network that the pipelines need.

    Attributes:
        revision: The hub repository's commit; None for a release file.
        files: By their names in the repository.
    """

    revision: str | None
    files: dict[str, RemoteFile]

    def pinned(self, digests: Mapping[str, str], locked: ModelRecord | None) -> RemoteNetwork:
        """Returns the network with the digests that a study pins and those that ``models.lock`` lists.

        Raises:
            FetchError: If there is no telling which file is pinned, or a file that the lock lists is missing.
        """
        files = dict(self.files)
        if digests:
            name = only_weights(files)
            files[name] = replace(files[name], digests={**files[name].digests, **digests})
        for name, record in locked.downloaded.items() if locked else ():
            if name not in files:
                raise FetchError(f"{name} is missing, which {LOCK_FILE} lists")
            files[name] = replace(files[name], digests={**files[name].digests, "sha256": record.sha256})
        return replace(self, files=files)

    def room(self, folder: Path) -> tuple[int, int]:
        """Returns the bytes that are to come into ``folder``, and those that conversion needs besides."""
        to_come = sum(file.remaining(folder / name) for name, file in self.files.items())
        converted = sum(file.bytes or 0 for name, file in self.files.items() if is_foreign(name))
        return to_come, converted


def only_weights(names: Mapping[str, object]) -> str:
    """Returns the one file of weights that a pinned digest is of.

    Raises:
        FetchError: If there are several.
    """
    found = [name for name in names if not name.endswith((".json", ".txt"))]
    if len(found) != 1:
        raise FetchError(
            f"sha256 and sha512 pin one file of weights, and there are {len(found)}; remove them"
        )
    return found[0]


def wrong_digest(file: Path, expected: Mapping[str, str]) -> str:
    """Returns how a file's content differs from its expected digests; empty if it does not."""
    for algorithm, digest in expected.items():
        if (found := file_digest(file, algorithm)) != digest:
            return f"{file.name} has {algorithm} {found}, expected {digest}"
    return ""
