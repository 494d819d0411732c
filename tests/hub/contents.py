"""What the hub on this machine serves: contents in memory or on disk, and how the hub describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypnos_pipeline.storage.hashing import file_sha256

Content = bytes | Path
"""What is served: in memory, or a file that is read piece by piece."""
_PIECE = 1 << 20


def is_large(name: str) -> bool:
    """Whether a repository keeps a file in Git LFS; text is kept in git itself."""
    return not name.endswith((".json", ".txt", ".md", ".gitattributes"))


def git_id(name: str, content: Content) -> str:
    """Returns git's id of a repository's file; of a large one, of the pointer that git has in its place."""
    if is_large(name):
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{sha256_of(content)}")
        content = "\n".join((*lines, f"size {size_of(content)}", "")).encode()
    elif isinstance(content, Path):
        content = content.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def sibling(name: str, content: Content) -> dict[str, Any]:
    """Describes a file as ``/api/models/<id>?blobs=True`` does."""
    described: dict[str, Any] = {"rfilename": name, "size": size_of(content), "blobId": git_id(name, content)}
    if is_large(name):
        sha256 = sha256_of(content)
        described["lfs"] = {"sha256": sha256, "size": size_of(content), "pointerSize": 130}
    return described


def tree(files: Mapping[str, Content]) -> list[dict[str, Any]]:
    """Lists files and folders as ``/api/models/<id>/tree/<revision>?recursive=True`` does."""
    folders = {name.rpartition("/")[0] for name in files} - {""}
    entries: list[dict[str, Any]] = [
        {"type": "directory", "oid": "0" * 40, "size": 0, "path": folder} for folder in folders
    ]
    for name, content in files.items():
        entry = {"type": "file", "oid": git_id(name, content), "size": size_of(content), "path": name}
        if is_large(name):
            oid = sha256_of(content)
            entry["lfs"] = {"oid": oid, "size": size_of(content), "pointerSize": 130}
        entries.append(entry)
    return sorted(entries, key=lambda entry: entry["path"])


def sha256_of(content: Content) -> str:
    """Returns a content's digest; a file is read once."""
    return file_sha256(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def size_of(content: Content) -> int:
    """Returns a content's bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def pieces(content: Content, start: int, stop: int) -> Iterator[bytes]:
    """Yields a range of a content piece by piece."""
    if isinstance(content, bytes):
        yield content[start:stop]
        return
    with content.open("rb") as file:
        file.seek(start)
        while start < stop and (piece := file.read(min(_PIECE, stop - start))):
            start += len(piece)
            yield piece
