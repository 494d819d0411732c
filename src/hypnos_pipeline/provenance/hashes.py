"""DVC's hashes of files and folders, computed by DVC's own code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.provenance.record import Recorded

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class Hashed:
    """The hash of a file or folder.

    Attributes:
        md5: DVC's; a folder's ends in ``.dir``.
        files: A folder's files, path below the folder → md5, by name; empty for a file.
    """

    md5: str
    files: dict[str, str] = field(default_factory=dict)


def on_disk(root: Path, path: str) -> Hashed | None:
    """Returns the hash of ``root/path`` as ``dvc.lock`` would record it, None if nothing is there.

    Files named by ``.dvcignore`` do not count. Where ``root`` is a DVC repository, DVC's own memory of hashes
    is used and added to, so that only files that changed since are read.

    Args:
        root: The project's folder.
        path: Relative to it; a file or a folder.
    """
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db import HashFileDB
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.fs import MemoryFileSystem, localfs

    absolute = root.resolve() / path
    if not absolute.exists():
        return None
    repo, ignore = _opened(root.resolve())
    odb = HashFileDB(MemoryFileSystem(), f"memory://provenance{root.resolve()}", hash_name="md5")
    if repo is not None:
        odb.state = repo.state
    built = build(odb, str(absolute), localfs, "md5", dry_run=True, ignore=ignore)[2]
    entries = built if isinstance(built, Tree) else ()
    files = {"/".join(key): str(info and info.value) for key, _, info in entries}
    return Hashed(str(built.oid), dict(sorted(files.items())))


def intact(root: Path, recorded: Recorded) -> bool:
    """Whether a file or folder is in ``root`` as recorded."""
    found = on_disk(root, recorded.path)
    return found is not None and found.md5 == recorded.md5


def is_ignored(root: Path, path: str) -> bool:
    """Whether ``.dvcignore`` names the file ``path``, relative to ``root``, which need not exist."""
    _, ignore = _opened(root.resolve())
    return ignore.is_ignored_file(str(root.resolve() / path))


def folder_md5(files: Mapping[str, str]) -> str:
    """Returns DVC's md5 of a folder that holds these files.

    Args:
        files: Path below the folder → md5.
    """
    from dvc_data.hashfile.tree import Tree

    tree = Tree.from_list([{"relpath": path, "md5": md5} for path, md5 in files.items()], hash_name="md5")
    tree.digest()
    return str(tree.oid)


def cached(root: Path, md5: str) -> Path | None:
    """Returns where DVC's cache keeps the contents of a file, or a folder's listing; None if it does not."""
    repo, _ = _opened(root.resolve())
    if repo is None:
        return None
    path = Path(repo.cache.local.oid_to_path(md5))
    return path if path.is_file() else None


def as_recorded(root: Path, recorded: Recorded) -> Path | None:
    """Returns where a file is just as recorded: on disk, else in DVC's cache, else nowhere."""
    return root / recorded.path if intact(root, recorded) else cached(root, recorded.md5)


def cached_files(root: Path, md5: str) -> dict[str, str] | None:
    """Returns the files of a folder with this hash, path below it → md5, if DVC's cache lists them."""
    listing = cached(root, md5)
    if listing is None:
        return None
    entries = json.loads(listing.read_text(encoding="utf-8"))
    return dict(sorted((entry["relpath"], entry["md5"]) for entry in entries))


@lru_cache(maxsize=4)
def _opened(root: Path) -> tuple[Repo | None, Any]:
    """Returns the DVC repository in ``root``, if there is one, and what DVC ignores."""
    from dvc.ignore import DvcIgnoreFilter
    from dvc.repo import Repo
    from dvc_objects.fs import localfs

    if (root / Repo.DVC_DIR).is_dir():
        # Neither needed nor there in a copy without git, where Repo would stop.
        repo = Repo(str(root), config={"core": {"no_scm": True}})
        return repo, repo.dvcignore
    # Repo would look for one further up; another project's ignore rules do not hold here.
    return None, DvcIgnoreFilter(localfs, str(root))
