"""Photos that a check has read are not read again by the next one, unless their files have changed.

A catalogue's photos take minutes to read, and a run of one product waits for the checks of all. So what is
known of each folder is kept in ``data/cache/photos.json``: of photos their outline, of true masks and unseen
views that nothing is wrong with them. A folder in which anything is wrong is not kept, nor one of photos in
which anything is ignored: every check says so anew. A stage reads its photos itself, whatever is kept here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypnos_pipeline.errors import Problem, StorageFull
from hypnos_pipeline.storage.replacing import replaced_file

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.photos import PhotoOutline

KEPT = Path("data/cache/photos.json")
LIBRARIES = ("pillow", "pillow-heif", "numpy")
_log = logging.getLogger(__name__)


class ReadOnce:
    """What is known of folders of photos, from their files' sizes and times or by reading them.

    Args:
        file: Where it is kept; what is there of other code is not used. Nowhere if not given.
        root: The project's folder, to which the names of folders are relative.
    """

    def __init__(self, file: Path | None = None, root: Path = Path()) -> None:
        self._file, self._root = file, root
        kept = _content(file) if file else {}
        self._known: dict[str, Any] = kept["folders"] if kept.get("by") == _reader() else {}
        self._changed = False

    def outline(self, folder: Path) -> PhotoOutline:
        """Returns what is known of the photos of a folder.

        Raises:
            PhotoError: Listing everything that is wrong with them.
        """
        from hypnos_pipeline.imaging.photos import PhotoOutline, read_photos

        state = _state([folder])
        kept = self._kept(folder, state)
        if kept is not None:
            sizes = {photo: (width, height) for photo, (width, height) in kept["sizes"].items()}
            return PhotoOutline(sizes, frozenset(kept["masks"]), frozenset(kept["alphas"]))
        photos = read_photos(folder)
        outline = photos.outline
        if not photos.warnings:
            known = {"sizes": outline.sizes, "masks": sorted(outline.masks), "alphas": sorted(outline.alphas)}
            self._note(folder, state, known)
        return outline

    def problems(
        self, check: Callable[[], list[Problem]], folders: Sequence[Path], beside: str = ""
    ) -> list[Problem]:
        """Returns what a check finds in folders; it is not made where it found nothing in the same files.

        Args:
            check: Reads the folders.
            folders: The first of them names what is kept.
            beside: What else the check depends on.
        """
        state = _state(folders, beside)
        if self._kept(folders[0], state) is not None:
            return []
        found = check()
        if not found:
            self._note(folders[0], state, {})
        return found

    def _kept(self, folder: Path, state: str) -> dict[str, Any] | None:
        kept = self._known.get(os.path.relpath(folder, self._root))
        return kept if kept is not None and kept["files"] == state else None

    def _note(self, folder: Path, state: str, known: dict[str, Any]) -> None:
        name = os.path.relpath(folder, self._root)
        if not name.startswith(os.pardir):
            self._known[name], self._changed = {"files": state} | known, True

    def keep(self) -> None:
        """Writes what was read; where it cannot be written, the next check reads it again."""
        if not (self._changed and self._file):
            return
        here = {name: known for name, known in self._known.items() if (self._root / name).is_dir()}
        try:
            with replaced_file(self._file) as unfinished:
                unfinished.write_text(json.dumps({"by": _reader(), "folders": here}))
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


def _state(folders: Sequence[Path], beside: str = "") -> str:
    """Returns a digest of the name, size and times of change of each file below folders, and of a text."""
    found = [sorted(_files(folder)) for folder in folders]
    return hashlib.sha256(repr((found, beside)).encode()).hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for above, _, names in os.walk(folder):
        for file in (os.path.join(above, name) for name in names):
            with suppress(OSError):  # a link to a file that is not there
                state = os.stat(file)
                yield file[len(str(folder)) :], state.st_size, state.st_mtime_ns, state.st_ctime_ns


@cache
def _reader() -> str:
    """Returns a digest of the code that reads photos, and of its libraries."""
    import hypnos_pipeline.imaging

    code = sorted(Path(hypnos_pipeline.imaging.__path__[0]).glob("*.py"))
    digest = hashlib.sha256(" ".join(map(version, LIBRARIES)).encode())
    for file in code:
        digest.update(file.read_bytes())
    return digest.hexdigest()
