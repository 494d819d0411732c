"""Which commits have a file or folder with a given hash of DVC's, and that version's bytes.

DVC's hashes are md5 sums of contents, git's are not; so contents are read, each distinct version once.
Nothing is written to the repository, nor fetched where a shallow or partial clone lacks contents.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, SortMode

from hypnos_pipeline.errors import ProvenanceError
from hypnos_pipeline.provenance.hashes import folder_md5, is_ignored
from hypnos_pipeline.provenance.record import Recorded

BRANCHES_AND_TAGS = ("refs/heads/", "refs/remotes/", "refs/tags/")


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
    try:
        repository = pygit2.Repository(str(root))
    except pygit2.GitError:  # the project is in no repository, or in one that cannot be read
        return
    known: dict[pygit2.Oid, str] = {}
    for commit in _commits(repository):
        with suppress(KeyError):  # the commit has no such path, or this clone lacks its contents
            version = _version(repository, root, commit, path)
            if version.id not in known:
                md5s = _md5s(_files(root, path, version))
                known[version.id] = md5s[""] if "" in md5s else folder_md5(md5s)
            if known[version.id] == md5:
                yield commit


def newest_with_most(root: Path, wanted: Iterable[tuple[str, str]]) -> str | None:
    """Returns the newest of the commits that have most of the wanted versions.

    Args:
        root: The project's folder.
        wanted: Paths with their hashes.

    Returns:
        The commit's full id; None if no commit has any of them.
    """
    counts = Counter(commit for path, md5 in wanted for commit in commits_with(root, path, md5))
    commits = _commits(pygit2.Repository(str(root))) if counts else []
    return max(commits, key=counts.__getitem__, default=None)


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
    try:
        version = _version(pygit2.Repository(str(root)), root, commit, path)
    except KeyError:
        return False
    for name, blob in _files(root, path, version).items():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blob.data)
        target.chmod(0o755 if blob.filemode == FileMode.BLOB_EXECUTABLE else 0o644)
    return True


def files_of(root: Path, commit: str, path: str) -> dict[str, str]:
    """Returns the files of a commit's version of a folder, path below it → md5, by name."""
    version = _version(pygit2.Repository(str(root)), root, commit, path)
    return dict(sorted(_md5s(_files(root, path, version)).items()))


def text_at(root: Path, revision: str, path: str) -> str | None:
    """Returns a text file as a commit has it.

    Args:
        root: The project's folder.
        revision: A commit in git's words, such as ``HEAD~1``, a branch or a tag.
        path: Relative to ``root``.

    Returns:
        None if the commit has no such file.

    Raises:
        ProvenanceError: If there is no such commit.
    """
    try:
        repository = pygit2.Repository(str(root))
        commit = repository.revparse_single(revision).peel(pygit2.Commit)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise ProvenanceError(f"git knows no commit {revision!r} here; `git log` lists them") from error
    with suppress(KeyError):
        version = _version(repository, root, str(commit.id), path)
        return version.data.decode() if isinstance(version, pygit2.Blob) else None
    return None


def text_as_recorded(root: Path, recorded: Recorded) -> str | None:
    """Returns a text file as recorded if some commit has it so."""
    commit = newest_commit(root, recorded.path, recorded.md5)
    return text_at(root, commit, recorded.path) if commit else None


def _commits(repository: pygit2.Repository) -> Iterator[str]:
    """Yields all commits, newest first, those of ``HEAD``'s history before all others."""
    head = [] if repository.head_is_unborn else [repository.head.target]
    others = []
    for reference in repository.references.iterator():
        if reference.name.startswith(BRANCHES_AND_TAGS):
            with suppress(pygit2.InvalidSpecError):  # a tag of something else than a commit
                others.append(reference.peel(pygit2.Commit).id)
    for tips, done in ((head, []), (others, head)):
        walk = repository.walk(None, SortMode.TOPOLOGICAL | SortMode.TIME)
        for tip in tips:
            walk.push(tip)
        for tip in done:
            walk.hide(tip)
        yield from (str(commit.id) for commit in walk)


def _version(repository: pygit2.Repository, root: Path, commit: str, path: str) -> pygit2.Tree | pygit2.Blob:
    """Returns what a commit has at ``path``.

    Raises:
        KeyError: If it has nothing there.
    """
    below = (root.resolve() / path).relative_to(Path(repository.workdir).resolve())
    return repository[commit].peel(pygit2.Tree)[below.as_posix()]


def _files(root: Path, path: str, version: pygit2.Tree | pygit2.Blob) -> dict[str, pygit2.Blob]:
    """Returns the files of a version by their path below ``path``; a file's own is empty."""
    if isinstance(version, pygit2.Blob):
        return {"": version}
    return {name: blob for name, blob in _below(version) if not is_ignored(root, f"{path}/{name}")}


def _below(tree: pygit2.Tree) -> Iterator[tuple[str, pygit2.Blob]]:
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            yield from ((f"{entry.name}/{name}", blob) for name, blob in _below(entry))
        elif isinstance(entry, pygit2.Blob) and entry.filemode != FileMode.LINK:
            yield str(entry.name), entry


def _md5s(files: Mapping[str, pygit2.Blob]) -> dict[str, str]:
    return {name: hashlib.md5(blob.data, usedforsecurity=False).hexdigest() for name, blob in files.items()}
