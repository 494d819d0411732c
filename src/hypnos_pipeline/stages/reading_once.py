"""What many stages read, parsed and hashed once; DVC does both anew for every stage."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvc.dependency import param
from dvc.fs import LocalFileSystem
from dvc.output import Output

if TYPE_CHECKING:
    from dvc.fs import FileSystem
    from dvc_data.hashfile.hash_info import HashInfo


@contextmanager
def read_once() -> Generator[None]:
    """Lets DVC meanwhile parse a file of parameters, or hash a file or folder, again only if it has changed.

    What tells a change is what tells DVC itself: a file's size, its time and its number on the disk.
    """
    parse, parsed = param.load_path, dict[tuple[Any, ...], Any]()
    take_hash, hashes = Output.get_hash, dict[tuple[Any, ...], Any]()

    def load(path: str, fs: FileSystem, **options: Any) -> Any:
        key = (path, _state(Path(path)), *options.items())
        if key not in parsed:
            parsed[key] = parse(path, fs, **options)
        return parsed[key]

    def get_hash(self: Output) -> HashInfo:
        if not isinstance(self.fs, LocalFileSystem):
            return take_hash(self)
        key = (self.fs_path, self.hash_name, _state(Path(self.fs_path)))
        if key not in hashes:
            hashes[key] = take_hash(self)
        return hashes[key]

    param.load_path, Output.get_hash = load, get_hash
    try:
        yield
    finally:
        param.load_path, Output.get_hash = parse, take_hash


def _state(path: Path) -> tuple[Any, ...] | None:
    """Returns what differs once a file, or one below a folder, has changed; None if it is not there."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                return tuple((entry.name, _state(Path(entry.path))) for entry in entries)
        found = path.stat()
    except OSError:  # DVC says so
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
