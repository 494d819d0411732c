"""A shrunken study in a folder of its own: the whole DAG on the miniature models, a step or two of each."""

from __future__ import annotations

import copy
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def shrink(study: dict[str, Any]) -> dict[str, Any]:
    """Returns the study with one subject and the smallest counts that still exercise everything."""
    small = copy.deepcopy(study)
    small["runtime"]["threads"] = 1  # tests run side by side
    name = next(iter(small["subjects"]))
    small["subjects"] = {name: small["subjects"][name]}
    for family in small["methods"].values():
        for method in family.values():
            if "steps" in method:
                method["steps"] = 4
            for key in ("instance_batch", "class_batch", "batch"):
                if key in method:
                    method[key] = 2
            if "previews" in method:
                method["previews"] |= {"every": 2, "images": 1, "steps": 2}
    for prompts in small["prompt_sets"].values():
        prompts["images"] = 2  # the fewest that KID is defined for
    small["augmentation"] |= {"recoloured": 2, "resized": 1, "altered": 1}
    small["class_prior"]["count"] = 4
    small["discriminator"] |= {"steps": 4, "batch": 8}
    small["sampling"] |= {"steps": 2}
    return small


def make_project(folder: Path, env: str = "mini", change: Callable[[dict], dict] = shrink) -> Path:
    """Makes a project folder with the changed study of ``env``; code comes from the installed package."""
    folder.mkdir(parents=True)
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT_ROOT / name, folder / name)
    shutil.copytree(PROJECT_ROOT / "conf", folder / "conf")
    (folder / "docs").mkdir()
    # Without rows: each would be a chart on the page of every shrunken study.
    columns = (PROJECT_ROOT / "docs/findings.csv").read_text(encoding="utf-8").splitlines()[0]
    (folder / "docs/findings.csv").write_text(f"{columns}\n", encoding="utf-8")
    (folder / "src").mkdir()  # Kedro wants one inside the project; the code is the installed package's
    (folder / "data/01_raw").mkdir(parents=True)
    (folder / "data/01_raw/models").symlink_to(PROJECT_ROOT / "data/01_raw/models")
    path = folder / "conf" / env / "parameters_study.yml"
    study = change(yaml.safe_load(path.read_text()))
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    for subject in study["subjects"].values():
        source = PROJECT_ROOT / "data/01_raw/subjects" / subject["photos"]
        shutil.copytree(source, folder / "data/01_raw/subjects" / subject["photos"])
        for key, kinds in (("true_masks", ("masks",)), ("unseen", ("unseen", "unseen_masks"))):
            for kind in kinds if subject.get(key) else ():
                known = Path("data/01_raw/truth", subject[key], kind)
                shutil.copytree(PROJECT_ROOT / known, folder / known, dirs_exist_ok=True)
    return folder


@contextmanager
def opened(project: Path, env: str = "mini") -> Iterator[Any]:
    """Yields a Kedro session of the project, with the project as working directory."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    before = Path.cwd()
    os.chdir(project)
    try:
        bootstrap_project(project)
        with KedroSession.create(project_path=project, env=env) as session:
            yield session
    finally:
        os.chdir(before)


def run(project: Path, env: str = "mini", **options: Any) -> None:
    """Runs pipelines of the project in this process, as ``kedro run`` does."""
    with opened(project, env) as session:
        session.run(**options)


def hashes(folder: Path, *patterns: str) -> dict[str, str]:
    """SHA-256 of every file below those of a folder's folders that match, by its path."""
    places = [place for pattern in patterns for place in folder.glob(pattern)]
    files = sorted(file for place in places for file in place.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
