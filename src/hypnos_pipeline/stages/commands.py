"""A stage's command, run in a worker process as a shell would run it.

``kedro run`` goes on in the process that is there, where torch is imported already: a new one takes seconds
to import it. Any other command is given to the user's shell.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from dvc.stage import Stage

PLAIN_RUN = re.compile(r"kedro run( [\w=.,:/@%+-]+)*")
"""A ``kedro run`` of which a shell would change nothing."""


@dataclass(frozen=True)
class Job:
    """What a worker has to do for a stage.

    Attributes:
        commands: One after the other, until one fails.
        folder: Where they run.
        environment: Variables besides the worker's own.
        shell: The program and options that take a command as the last argument.
        outputs: Files and folders that the stage writes anew; there are none before it begins.
        log: The file that takes all that the commands print.
        warm: Whether ``kedro run`` may go on in the worker's own process.
    """

    commands: Sequence[str]
    folder: Path
    environment: dict[str, str]
    shell: Sequence[str]
    outputs: Sequence[Path]
    log: Path
    warm: bool

    @classmethod
    def of(cls, stage: Stage, log: Path, warm: bool) -> Job:
        """Returns what has to be done for a stage of DVC's.

        Args:
            stage: Its commands, or its command of one or more lines, and its folder.
            log: See above.
            warm: Whether the worker's process has the project's present code.
        """
        from dvc.env import DVC_ROOT, DVC_STAGE
        from dvc.stage.run import _make_cmd, get_executable  # pyright: ignore[reportPrivateUsage]

        assert isinstance(stage.cmd, (str, list)), f"{stage} has no command"
        return cls(
            commands=stage.cmd.splitlines() if isinstance(stage.cmd, str) else stage.cmd,
            folder=Path(stage.wdir),
            environment={DVC_ROOT: stage.repo.root_dir, DVC_STAGE: stage.addressing},
            shell=_make_cmd(get_executable(), "")[:-1],
            outputs=[Path(out.fs_path) for out in stage.outs if not out.persist],
            log=log,
            warm=warm and Path(stage.wdir) == Path(stage.repo.root_dir),
        )


def contents(paths: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Returns what tells whether files, or any file in folders, have changed: their sizes and times."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    kept = [file for file in files if file.is_file() and file.suffix != ".pyc"]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in kept}


def work(job: Job) -> int:
    """Does a job and returns its exit status."""
    for path in job.outputs:  # DVC removed them; a worker that was killed may have left some again
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("w", encoding="utf-8") as log:
        for command in job.commands:
            print(f"> {command}", file=log, flush=True)
            within = job.warm and PLAIN_RUN.fullmatch(command)
            if status := _kedro(job, command, log) if within else _in_shell(job, command, log):
                return status
    return 0


def _kedro(job: Job, command: str, log: TextIO) -> int:
    """Runs Kedro's command line in this process."""
    from kedro.framework.cli.cli import main

    words = shlex.split(command)
    if not any(word.startswith(("-r", "--runner")) for word in words):
        words.append("--runner=SequentialRunner")  # the other processes are busy with other stages
    sys.argv = words
    os.chdir(job.folder)
    with _printed_to(log):
        try:
            main()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            return 1
    return 0


def _in_shell(job: Job, command: str, log: TextIO) -> int:
    here = str(Path(sys.executable).parent)  # the environment may not be activated
    path = os.pathsep.join([here, os.environ.get("PATH", "")])
    process = subprocess.Popen(
        [*job.shell, command],
        cwd=job.folder,
        env=os.environ | job.environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with _not_outliving_this(process):
        return process.wait()


@contextmanager
def _not_outliving_this(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Has a process and all that it started killed when this process ends, even by ``kill -9``.

    A second process reads from a pipe until it is closed, as it is when this one has ended.
    """
    watch = ["/bin/sh", "-c", "read _; kill -9 -$0", str(process.pid)]
    with subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True) as watcher:
        try:
            yield
        finally:
            watcher.kill()


@contextmanager
def _printed_to(log: TextIO) -> Generator[None]:
    """Lets all that this process prints go to a file, and what libraries print that are not Python."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    for stream in kept:
        os.dup2(log.fileno(), stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
