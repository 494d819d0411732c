"""Atomic replacement of files and folders.

A target is either the old whole or the new whole, never half of one. Existing files are replaced by rename
and never written in place, because DVC may have hard-linked them to its cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _partial(target: Path) -> Path:
    """Returns the sibling to write to; its suffix stays, because writers choose formats by suffix."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(f".{target.stem}.partial{target.suffix}")


@contextmanager
def replaced_file(target: Path) -> Iterator[Path]:
    """Yields a path to write; on success it replaces ``target``, on failure it is removed."""
    partial = _partial(target)
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Yields an empty folder to fill; on success it replaces ``target``, on failure it is removed."""
    partial, old = _partial(target), target.with_name(f".{target.name}.old")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            os.replace(target, old)
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
