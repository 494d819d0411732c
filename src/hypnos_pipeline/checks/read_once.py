"""Photos that a check has read are not read again by the next one, unless their files have changed.

A catalogue's photos take minutes to read, and a run of one product waits for the checks of all. So what is
known of each folder is kept in ``data/cache/photos.json``. A folder in which anything is wrong or ignored is
not kept: every check says so anew. A stage reads its photos itself, whatever is kept here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypnos_pipeline.errors import StorageFull
from hypnos_pipeline.storage.replacing import replaced_file

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.photos import PhotoOutline

KEPT = Path("data/cache/photos.json")
LIBRARIES = ("pillow", "pillow-heif", "numpy")
_log = logging.getLogger(__name__)


class ReadOnce:
    """What is known of folders of photos, from their files' sizes and times or by reading them.

    Args:
        file: Where it is kept; what is there of other code is not used.
        root: The project's folder, to which the names of folders are relative.
    """

    def __init__(self, file: Path, root: Path) -> None:
        self._file, self._root = file, root
        kept = _content(file)
        self._before: dict[str, Any] = kept["folders"] if kept.get("by") == _reader() else {}
        self._new: dict[str, Any] = {}

    def outline(self, folder: Path) -> PhotoOutline:
        """Returns what is known of the photos of a folder.

        Raises:
            PhotoError: Listing everything that is wrong with them.
        """
        from hypnos_pipeline.imaging.photos import PhotoOutline, read_photos

        name, state = os.path.relpath(folder, self._root), _state(folder)
        kept = self._before.get(name)
        if kept is not None and kept["files"] == state:
            sizes = {photo: (width, height) for photo, (width, height) in kept["sizes"].items()}
            return PhotoOutline(sizes, frozenset(kept["masks"]), frozenset(kept["alphas"]))
        photos = read_photos(folder)
        outline = photos.outline
        if not (photos.warnings or name.startswith(os.pardir)):
            known = {"sizes": outline.sizes, "masks": sorted(outline.masks), "alphas": sorted(outline.alphas)}
            self._new[name] = {"files": state} | known
        return outline

    def keep(self) -> None:
        """Writes what was read; where it cannot be written, the next check reads it again."""
        if not self._new:
            return
        here = {name: known for name, known in self._before.items() if (self._root / name).is_dir()}
        try:
            with replaced_file(self._file) as unfinished:
                unfinished.write_text(json.dumps({"by": _reader(), "folders": here | self._new}))
        except (OSError, StorageFull) as error:
            _log.info("what is known of the photos was not kept: %s", error)


@contextmanager
def read_once(root: Path) -> Generator[ReadOnce]:
    """Yields what is known of a project's photos, and keeps what was read meanwhile."""
    known = ReadOnce(root / KEPT, root)
    try:
        yield known
    finally:
        known.keep()


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _state(folder: Path) -> list[list[str | int]]:
    """Returns the name, size and times of change of each file below a folder."""
    found: list[list[str | int]] = []
    for file in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if file.is_file():
            state = file.stat()
            name = file.relative_to(folder).as_posix()
            found.append([name, state.st_size, state.st_mtime_ns, state.st_ctime_ns])
    return found


@cache
def _reader() -> str:
    """Returns a digest of the code that reads photos, and of its libraries."""
    import hypnos_pipeline.imaging

    code = sorted(Path(hypnos_pipeline.imaging.__path__[0]).glob("*.py"))
    digest = hashlib.sha256(" ".join(map(version, LIBRARIES)).encode())
    for file in code:
        digest.update(file.read_bytes())
    return digest.hexdigest()
