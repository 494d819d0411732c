"""Small projects of stages that run nothing but the shell, and two ways to bring them up to date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import yaml
from dvc.repo import Repo

from hypnos_pipeline.stages.commands import work
from hypnos_pipeline.stages.locks import locked_repo
from hypnos_pipeline.stages.plan import Plan
from hypnos_pipeline.stages.reproduction import Outcome, Ways, reproduce
from tests.stages.threads import Threads


class Toy:
    """A project in a folder, which is the working directory while anything is done with it."""

    def __init__(self, folder: Path, stages: Mapping[str, Any], files: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        with self.entered():
            Repo.init(no_scm=True).close()
            for name, text in files.items():
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                Path(name).write_text(text)
            Path("dvc.yaml").write_text(yaml.safe_dump({"stages": dict(stages)}, sort_keys=False))

    @contextmanager
    def entered(self):
        """Makes the project the working directory."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(before)

    def copied(self, folder: Path) -> Toy:
        """Returns a copy of the project, caches and all."""
        copy = Toy.__new__(Toy)
        copy.folder = folder
        shutil.copytree(self.folder, folder, symlinks=True)
        return copy

    def write(self, name: str, text: str) -> None:
        """Replaces a file by a new one: the old one may be a link to the cache."""
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / name).write_text(text)

    def by_dvc(self, **options: Any) -> None:
        """What ``dvc repro`` does."""
        with self.entered(), Repo() as repo:
            repo.reproduce(**options)

    def side_by_side(self, *targets: str, **options: Any) -> Outcome:
        """What ``kedro repro`` does."""
        planned = {key: options.pop(key) for key in ("single_item", "downstream") if key in options}
        with self.entered(), locked_repo(self.folder) as repo:
            plan = Plan.of(repo, targets, **planned)
            ways: dict[str, Any] = {"open_workers": Threads, "count": lambda: 3, "work": work}
            ways |= {"estimates": lambda: {stage: (1.0, 0.0) for stage in plan.order}}
            ways |= {"listener": lambda event, stage: None, "logs": self.folder / ".dvc/tmp/logs"}
            return reproduce(repo, plan, Ways(**(ways | options)))

    def contents(self) -> dict[str, bytes]:
        """Returns the bytes of every file but DVC's notes for itself."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        own = (self.folder / ".dvc/tmp", self.folder / ".dvc/config")
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in files
            if not any(path.is_relative_to(each) for each in own)
        }


def random_project(seed: int, folder: Path) -> Toy:
    """Returns a project of up to nine stages that read each other's files and folders."""
    draw = Random(seed)
    files = {f"data/{name}.txt": f"{name} of {seed}\n" for name in "abc"} | {
        "params.yaml": "x: 1\ny: &y {z: 2}\nw: *y\n"
    }
    artefacts, stages = [name for name in files if name != "params.yaml"], {}
    for number in range(draw.randint(4, 9)):
        out = f"out/{number}"
        deps = draw.sample(artefacts, draw.randint(1, min(3, len(artefacts))))
        begin = f"mkdir -p {out} && cat" if (is_folder := draw.random() < 0.3) else "mkdir -p out && cat"
        reads = " ".join(f"$(find {dep} -type f | sort)" for dep in deps)
        shorten = draw.choice(["", " | wc -l", " | head -n 1", " | tr a-m n-z"])
        stage: dict[str, Any] = {
            "cmd": f"{begin} {reads}{shorten} > {out}/it.txt"
            if is_folder
            else f"{begin} {reads}{shorten} > {out}",
            "deps": deps,
        }
        if draw.random() < 0.6:
            stage["params"] = draw.choice([["x"], ["y.z"], ["w", "y"]])
        kind = "metrics" if not is_folder and shorten == " | wc -l" else "outs"
        settings = draw.choice([{}, {}, {"cache": False}, {"persist": True}])
        stage[kind] = [{out: settings} if settings else out]
        stages[f"stage_{number}" if draw.random() < 0.7 else f"{number}-stage"] = stage
        artefacts.append(out)
    return Toy(folder, stages, files)
