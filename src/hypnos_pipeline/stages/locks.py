"""DVC's locks, held and let go of as ``dvc repro`` does."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dvc.dependency import RepoDependency
from dvc.lock import LockError
from dvc.logger import set_loggers_level
from dvc.repo import Repo, lock_repo
from dvc.rwlock import rwlock

from hypnos_pipeline.stages.reading_once import read_once

if TYPE_CHECKING:
    from dvc.stage import Stage


@contextmanager
def locked_repo(root: Path) -> Generator[Repo]:
    """Opens DVC's project in a folder, with its lock held; of what DVC logs, only warnings are shown.

    Raises:
        dvc.exceptions.DvcException: If there is none, or if another process of DVC's has the lock.
    """
    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).handlers.clear()
    with ExitStack() as stack:
        stack.enter_context(set_loggers_level(logging.WARNING))
        stack.enter_context(read_once())
        repo = stack.enter_context(Repo(str(root)))
        stack.enter_context(lock_repo(repo))
        stack.enter_context(repo.scm_context(quiet=True))
        yield repo


@contextmanager
def unlocked(repo: Repo) -> Generator[None]:
    """Lets go of the project's lock for a while, then waits until it is free again."""
    repo.lock.unlock()
    repo._reset()  # what others change meanwhile is read anew
    try:
        yield
    except BaseException:  # Ctrl-C does not wait for another process that has the lock
        with suppress(LockError):
            repo.lock.lock()
        raise
    while not repo.lock.is_locked:
        with suppress(LockError):  # after three seconds; `dvc status` of a large project takes longer
            repo.lock.lock()


@contextmanager
def files_locked(stage: Stage) -> Generator[None]:
    """Locks what a stage reads and writes against other processes of DVC's."""
    repo = stage.repo
    with rwlock(
        repo.tmp_dir,
        repo.fs,
        f"kedro repro {stage.addressing}",  # not as another stage of this process, which may read the same
        [dep.fs_path for dep in stage.deps if not isinstance(dep, RepoDependency)],
        [out.fs_path for out in stage.outs],
        repo.config["core"].get("hardlink_lock", False),
    ):
        yield
