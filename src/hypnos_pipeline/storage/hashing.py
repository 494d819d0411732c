"""SHA-256 of files, each read once for as long as it does not change."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def file_sha256(file: Path) -> str:
    """Returns the SHA-256 of a file's content."""
    state = file.stat()
    return _hashed(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4096)
def _hashed(file: Path, modified: int, size: int) -> str:
    """Hashes a file; ``modified`` and ``size`` only make the cache notice a changed one."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
