"""A shrunken study as a project of its own: its own code, git history, DVC cache and lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.end_to_end.shrunken import PROJECT_ROOT, shrink

SUBJECTS = ("figurine", "lego_robot")
STUDY = "conf/mini/parameters_study.yml"
LEFT_OUT = ("tests/", "docs/", "notebooks/", "benchmarks/", "data/08_reporting/", "dvc.lock")
FINDINGS = "docs/findings.csv"
"""What the study's page reads of the docs."""
BIN = Path(sys.executable).parent


def shrink_to_two(study: dict[str, Any]) -> dict[str, Any]:
    """Returns two subjects, and one method of two families: the fewest that can be told apart."""
    small = shrink(study) | {"subjects": {name: study["subjects"][name] for name in SUBJECTS}}
    small["methods"] |= {"dreambooth": {}, "textual_inversion": {}}
    return small


def environment() -> dict[str, str]:
    """Returns this process's environment with the tools of its own installation first."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("KEDRO_", "DVC_", "GIT_"))}
    quiet = {"DVC_NO_ANALYTICS": "1", "KEDRO_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
    author = {
        f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return kept | quiet | author | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


class Project:
    """A folder with the shrunken study, driven by the commands that a user types."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> Project:
        """Copies the checkout as it stands, shrinks the study and commits it all."""
        project = cls(folder)
        project.lay_checkout()
        project.run("git", "init", "--quiet")
        project.commit("the study")
        return project

    def clone(self, folder: Path) -> Project:
        """Clones what is committed into another folder."""
        self.run("git", "clone", "--quiet", str(self.folder), str(folder))
        return Project(folder)

    def lay_checkout(self) -> None:
        """Copies the checkout as it stands, but for its record, and shrinks the study."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            left_out = name.startswith(LEFT_OUT) and name != FINDINGS
            if left_out or not (PROJECT_ROOT / name).is_file():
                continue
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT_ROOT / name, self.folder / name)
        study = shrink_to_two(yaml.safe_load((self.folder / STUDY).read_text()))
        (self.folder / STUDY).write_text(yaml.safe_dump(study, sort_keys=False))

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command in the project; a failure shows what it printed."""
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env=environment(), check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def run_study(self) -> str:
        """What `make run` does after installing; returns what it prints."""
        return self.run("kedro", "repro").stdout

    def reproduce(self) -> list[str]:
        """Runs `dvc repro`; returns the stages that ran, neither skipped nor restored from the cache."""
        lines = self.run("dvc", "repro").stdout.splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("Running stage '")]

    @property
    def lock(self) -> str:
        return (self.folder / "dvc.lock").read_text()
