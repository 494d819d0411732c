"""Running recorded commands in a scratch folder that is gone afterwards, whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from hypnos_pipeline.errors import ProvenanceError

FOREIGN = ("KEDRO_", "DVC_", "PYTHON", "GIT_")
"""Beginnings of variables by which the caller's surroundings would reach into a stage."""

# Outlives us: it knows each stage's process group, ends the stage and removes the scratch folder when its
# input closes before the word "done", as it does when we are killed without a chance to clean up.
GUARD = """
group=
while read -r word value; do
  case $word in
    group) group=$value ;;
    done) exit 0 ;;
  esac
done
[ -z "$group" ] || kill -KILL "-$group" 2>/dev/null
[ -z "$1" ] || rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
"""


class Scratch:
    """A folder outside the user's project, and the guard over what runs in it.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path, keep: bool) -> None:
        self.folder = folder
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", "" if keep else str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            text=True,
            start_new_session=True,
        )

    def run(self, command: str, project: Path, log: Path) -> int:
        """Runs a recorded command line in the scratch project and returns its exit status.

        Args:
            command: For the shell, as DVC runs it.
            project: The scratch project; its own ``src`` is imported, not the installed package.
            log: File for what the command prints.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                cwd=project,
                env=_environment(project),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                self._tell(f"group {process.pid}")
                return process.wait()
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                self._tell("group")

    def dismiss_guard(self) -> None:
        """Ends the guard; nothing of ours runs any more and the folder is as it shall be."""
        self._guard.communicate("done\n")

    def _tell(self, line: str) -> None:
        print(line, file=self._guard.stdin, flush=True)


@contextmanager
def scratch(root: Path, keep: bool) -> Generator[Scratch]:
    """Yields a new scratch folder and removes it at the end, also after SIGINT, SIGTERM, SIGHUP or SIGKILL.

    Args:
        root: The user's project, which the folder must not lie in.
        keep: Leave the folder.

    Raises:
        ProvenanceError: If the system's folder for temporary files lies in the project.
    """
    parent = Path(tempfile.gettempdir()).resolve()
    if parent.is_relative_to(root.resolve()):
        raise ProvenanceError(f"the folder for temporary files, {parent}, lies in the project; set TMPDIR")
    with _ending_on_signals():
        folder = Path(tempfile.mkdtemp(prefix="hypnos-reproduce-", dir=parent))
        opened = Scratch(folder, keep)
        try:
            yield opened
        finally:
            if not keep:
                shutil.rmtree(folder)
            opened.dismiss_guard()


@contextmanager
def _ending_on_signals() -> Generator[None]:
    """Lets signals unwind the stack, so that everything opened is closed."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # What the caller ignores stays ignored, as SIGHUP under nohup.
    heeded = [number for number in ending if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment(project: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    path = [str(Path(sys.executable).parent), *filter(None, [own.get("PATH")])]
    return own | {
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(project / "src"),
        # Bytecode would be files in folders whose hashes are the record's.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
