"""Which commits have a file or folder with a given hash of DVC's, and that version's bytes.

DVC's hashes are md5 sums of contents, git's are not; so contents are read, each distinct version once.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from hypnos_pipeline.provenance.hashes import folder_md5

FILE_MODES = frozenset({"100644", "100755", "100664"})
TREE_MODE = "40000"
# A caller that itself runs in a git hook must not have its repository taken for ours.
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def newest_commit(root: Path, path: str, md5: str) -> str | None:
    """Returns the newest commit that has ``path`` with this hash.

    Commits of ``HEAD``'s history come first, then those of other branches and tags.

    Args:
        root: The project's folder, the repository's or one below it.
        path: File or folder, relative to ``root``.
        md5: DVC's hash of it.

    Returns:
        The commit's full id; None if no commit has it, also outside git.
    """
    return next(commits_with(root, path, md5), None)


def commits_with(root: Path, path: str, md5: str) -> Iterator[str]:
    """Yields all commits that have ``path`` with this hash, in ``newest_commit``'s order."""
    root = root.resolve()
    return _history(root, _tips(root)).commits_with(path, md5)


def newest_with_most(root: Path, wanted: Iterable[tuple[str, str]]) -> str | None:
    """Returns the newest of the commits that have most of the wanted versions.

    Args:
        root: The project's folder.
        wanted: Paths with their hashes.

    Returns:
        The commit's full id; None if no commit has any of them.
    """
    counts = Counter(commit for path, md5 in wanted for commit in commits_with(root, path, md5))
    root = root.resolve()
    age = {commit: rank for rank, commit in enumerate(_history(root, _tips(root)).commits)}
    return max(counts, key=lambda commit: (counts[commit], -age[commit]), default=None)


def extract(root: Path, commit: str, path: str, destination: Path) -> bool:
    """Writes a commit's version of a file or folder, bytes exactly as in git.

    Links, submodules and what ``.dvcignore`` names are left out, as they do not count in hashes either.

    Args:
        root: The project's folder.
        commit: The commit's id.
        path: File or folder, relative to ``root``.
        destination: The file or folder to be written; a folder may exist.

    Returns:
        Whether the commit has ``path``.
    """
    root = root.resolve()
    history = _history(root, _tips(root))
    [found] = history.objects([commit], path)
    if found is None:
        return False
    oid, kind = found
    with _open_objects(root) as objects:
        mode = _git(root, "ls-tree", commit, "--", path)[:6]
        files = objects.files(oid) if kind == "tree" else [("", oid, mode)]
        for name, blob, mode in files:
            if kind == "tree" and history.ignores(f"{path}/{name}"):
                continue
            target = destination / name if name else destination
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(objects.read(blob))
            target.chmod(0o755 if mode == "100755" else 0o644)
    return True


class History:
    """The commits of one repository; what was read of them is kept."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._prefix = _git(root, "rev-parse", "--show-prefix").strip()
        self._versions: dict[str, list[tuple[str, str] | None]] = {}
        self._md5s: dict[tuple[str, str], str | None] = {}
        self._ignore: Any = None
        head = _git(root, "rev-list", "HEAD", "--").split()
        others = ["--branches", "--tags", "--remotes"]
        others += ["--not", "HEAD"] if head else []
        self.commits: list[str] = head + _git(root, "rev-list", *others, "--").split()

    def commits_with(self, path: str, md5: str) -> Iterator[str]:
        """Yields the commits that have ``path`` with this hash, newest first."""
        if path not in self._versions:
            self._versions[path] = self.objects(self.commits, path)
        kind = "tree" if md5.endswith(".dir") else "blob"
        with _open_objects(self._root) as objects:
            for commit, version in zip(self.commits, self._versions[path], strict=True):
                if version and version[1] == kind and self._md5(objects, path, *version) == md5:
                    yield commit

    def objects(self, commits: list[str], path: str) -> list[tuple[str, str] | None]:
        """Returns each commit's object at ``path``: its id and kind, None where there is none."""
        names = "".join(f"{commit}:{self._prefix}{path}\n" for commit in commits)
        answers = _git(
            self._root, "cat-file", "--batch-check=%(objectname) %(objecttype)", given=names
        ).splitlines()
        found = [answer.rpartition(" ") for answer in answers]
        return [(oid, kind) if kind in ("blob", "tree") else None for oid, _, kind in found]

    def ignores(self, path: str) -> bool:
        """Whether ``.dvcignore`` names the file ``path``, relative to the project's folder."""
        if self._ignore is None:
            from dvc.ignore import DvcIgnoreFilter
            from dvc_objects.fs import localfs

            self._ignore = DvcIgnoreFilter(localfs, str(self._root))
        return self._ignore.is_ignored_file(str(self._root / path))

    def _md5(self, objects: _Objects, path: str, oid: str, kind: str) -> str | None:
        """Returns DVC's hash of a version of ``path``, None if this clone lacks a part of it."""
        if (path, oid) not in self._md5s:
            try:
                self._md5s[path, oid] = self._read_md5(objects, path, oid, kind)
            except FileNotFoundError:
                self._md5s[path, oid] = None
        return self._md5s[path, oid]

    def _read_md5(self, objects: _Objects, path: str, oid: str, kind: str) -> str:
        if kind == "blob":
            return _blob_md5(objects, oid)
        names = [(name, blob) for name, blob, _ in objects.files(oid) if not self.ignores(f"{path}/{name}")]
        return folder_md5({name: _blob_md5(objects, blob) for name, blob in names})


class _Objects:
    """Git's objects, through one `git cat-file --batch`."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers

    def read(self, oid: str) -> bytes:
        """Returns an object's contents.

        Raises:
            FileNotFoundError: If this clone lacks it.
        """
        self._requests.write(f"{oid}\n".encode())
        self._requests.flush()
        header = self._answers.readline().split()
        if len(header) != 3:
            raise FileNotFoundError(f"git object {oid} is missing in this clone")
        contents = self._answers.read(int(header[2]))
        self._answers.read(1)
        return contents

    def files(self, tree: str, prefix: str = "") -> Iterator[tuple[str, str, str]]:
        """Yields path, id and mode of all files below a tree."""
        contents, digits = self.read(tree), len(tree) // 2
        while contents:
            entry, _, rest = contents.partition(b"\0")
            mode, _, name = entry.partition(b" ")
            oid, contents = rest[:digits].hex(), rest[digits:]
            path = prefix + os.fsdecode(name)
            if mode.decode() == TREE_MODE:
                yield from self.files(oid, f"{path}/")
            elif mode.decode() in FILE_MODES:
                yield path, oid, mode.decode()


_blob_md5s: dict[str, str] = {}


def _blob_md5(objects: _Objects, oid: str) -> str:
    # Contents never change under an id, so this holds for every repository and all of the process.
    if oid not in _blob_md5s:
        _blob_md5s[oid] = hashlib.md5(objects.read(oid), usedforsecurity=False).hexdigest()
    return _blob_md5s[oid]


@lru_cache(maxsize=4)
def _history(root: Path, tips: str) -> History:
    return History(root)


def _tips(root: Path) -> str:
    return _git(root, "show-ref", "--head")


def _environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    # Reading must neither write to the repository nor go to the network for what a partial clone lacks.
    return own | {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


def _git(root: Path, *arguments: str, given: str | None = None) -> str:
    """Returns what git prints, nothing where it fails: outside a repository, without commits, no git."""
    try:
        finished = subprocess.run(
            ["git", "-C", str(root), *arguments],
            input=(given or "").encode(),
            capture_output=True,
            env=_environment(),
            check=False,
        )
    except OSError:
        return ""
    return os.fsdecode(finished.stdout) if finished.returncode == 0 else ""


@contextmanager
def _open_objects(root: Path) -> Iterator[_Objects]:
    with subprocess.Popen(
        ["git", "-C", str(root), "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield _Objects(process.stdin, process.stdout)
        process.stdin.close()
