"""Git's history searched by DVC's hashes: the newest commit that has a version, and its bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hypnos_pipeline.provenance.history import commits_with, extract, newest_commit, newest_with_most
from tests.provenance.small_study import commit, git, write
from tests.provenance.small_study import md5_of as md5


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    return root


def test_each_version_of_file_and_folder_is_found_in_its_newest_commit(repository):
    hashes, commits = [], []
    for content in ("one", "two", "two", "one"):
        write(repository, "code/deep/a.py", content)
        write(repository, f"elsewhere/{len(commits)}", "every commit changes something")
        hashes.append((md5(repository, "code"), md5(repository, "code/deep/a.py")))
        commits.append(commit(repository, content))
    one, two = hashes[0], hashes[1]
    assert newest_commit(repository, "code", one[0]) == commits[3]
    assert newest_commit(repository, "code/deep/a.py", one[1]) == commits[3]
    assert newest_commit(repository, "code", two[0]) == commits[2]
    assert newest_commit(repository, "code/deep/a.py", two[1]) == commits[2]
    assert list(commits_with(repository, "code", one[0])) == [commits[3], commits[0]]


def test_what_is_not_committed_is_in_no_commit(repository):
    write(repository, "code/a.py", "one")
    commit(repository, "one")
    write(repository, "code/b.py", "new")
    assert newest_commit(repository, "code", md5(repository, "code")) is None
    assert newest_commit(repository, "code/b.py", md5(repository, "code/b.py")) is None
    commit(repository, "seen although the same process looked before")
    assert newest_commit(repository, "code", md5(repository, "code")) == git(repository, "rev-parse", "HEAD")


def test_the_history_of_head_goes_before_newer_branches(repository):
    write(repository, "a.py", "one")
    first = commit(repository, "one")
    git(repository, "checkout", "--quiet", "-b", "side")
    write(repository, "b.py", "side")
    side_hash = md5(repository, "b.py")
    side = commit(repository, "side")
    git(repository, "tag", "release")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "branch", "--quiet", "-D", "side")
    assert newest_commit(repository, "a.py", md5(repository, "a.py")) == first
    assert newest_commit(repository, "b.py", side_hash) == side  # only the tag reaches it


def test_files_that_dvc_ignores_do_not_count(repository):
    write(repository, ".dvcignore", "*.tmp\n__pycache__\n")
    write(repository, "code/a.py", "one")
    alone = md5(repository, "code")
    write(repository, "code/a.tmp", "in git, but ignored by DVC")
    write(repository, "code/__pycache__/a.pyc", "likewise")
    head = commit(repository, "one")
    assert newest_commit(repository, "code", alone) == head
    extract(repository, head, "code", repository.parent / "out")
    assert [path.name for path in (repository.parent / "out").rglob("*")] == ["a.py"]


def test_a_project_below_the_repository_and_names_of_any_kind(repository):
    project = repository / "sub project"
    write(project, "photos/bär 1.jpg", bytes(range(256)))
    write(project, "photos/masks/x.png", b"")
    head = commit(repository, "one")
    recorded = md5(project, "photos")
    assert newest_commit(project, "photos", recorded) == head
    assert newest_commit(project, "photos/bär 1.jpg", md5(project, "photos/bär 1.jpg")) == head
    assert extract(project, head, "photos", repository.parent / "out")
    assert md5(repository.parent, "out") == recorded


def test_extracted_bytes_are_git_s_whatever_the_checkout_would_convert(repository):
    git(repository, "config", "core.autocrlf", "true")
    write(repository, "run.sh", "#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    recorded = md5(repository, "run.sh")
    head = commit(repository, "one")
    write(repository, "run.sh", "edited")
    assert newest_commit(repository, "run.sh", recorded) == head
    out = repository.parent / "out" / "run.sh"
    assert extract(repository, head, "run.sh", out)
    assert out.read_bytes() == b"#!/bin/sh\n"
    assert out.stat().st_mode & 0o111
    assert not extract(repository, head, "no/such", repository.parent / "nothing")
    assert not (repository.parent / "nothing").exists()


def test_the_commit_with_most_of_what_is_wanted(repository):
    write(repository, "a.py", "one")
    write(repository, "b.py", "one")
    wanted = [("a.py", md5(repository, "a.py")), ("b.py", md5(repository, "b.py"))]
    commit(repository, "has both")
    write(repository, "c.py", "beside")
    both = commit(repository, "has both, newer")
    write(repository, "a.py", "two")
    commit(repository, "has one")
    assert newest_with_most(repository, wanted) == both
    assert newest_with_most(repository, [("a.py", "0" * 32)]) is None


def test_shallow_clones_and_folders_outside_git_answer_with_what_they_have(repository):
    write(repository, "a.py", "one")
    one = md5(repository, "a.py")
    commit(repository, "one")
    write(repository, "a.py", "two")
    two = md5(repository, "a.py")
    head = commit(repository, "two")
    clone = repository.parent / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{repository}", str(clone)], check=True)
    assert newest_commit(clone, "a.py", two) == head
    assert newest_commit(clone, "a.py", one) is None

    outside = repository.parent / "outside"
    write(outside, "a.py", "one")
    assert newest_commit(outside, "a.py", one) is None
    empty = repository.parent / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert newest_commit(empty, "a.py", one) is None
