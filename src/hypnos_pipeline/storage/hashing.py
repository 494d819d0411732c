"""Digests of files, each read once for as long as it does not change."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def file_sha256(file: Path) -> str:
    """Returns the SHA-256 of a file's content."""
    return file_digest(file, "sha256")


def file_digest(file: Path, algorithm: str) -> str:
    """Returns a digest of a file's content in hexadecimal digits.

    Args:
        file: The file.
        algorithm: One of ``hashlib``'s names, or ``git`` for git's own id of a file, which the hub lists.
    """
    state = file.stat()
    return _hashed(file, algorithm, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _hashed(file: Path, algorithm: str, modified: int, size: int) -> str:
    """Hashes a file; ``modified`` makes the cache notice a changed one, as ``size`` does."""
    if algorithm == "git":
        content = b"blob %d\0" % size + file.read_bytes()
        return hashlib.sha1(content, usedforsecurity=False).hexdigest()
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()
