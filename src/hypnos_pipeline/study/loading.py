"""Reading an environment's configuration through Kedro.

Kedro registers pipelines without telling them the environment, and ours are built from it. Every entry
point (run, viz, ipython) makes its config loader before the pipelines are read, so the loader remembers
itself; where there is none (``kedro registry list``), ``KEDRO_ENV`` or the default decides.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import yaml
from kedro.config import AbstractConfigLoader, MissingConfigException, OmegaConfigLoader
from omegaconf.errors import OmegaConfBaseException

from hypnos_pipeline.errors import Problem, StudyError
from hypnos_pipeline.models.lock import LOCK_FILE
from hypnos_pipeline.study.environments import BASE, DEFAULT, STUDY_FILE, chosen, require
from hypnos_pipeline.study.model import Study

PROJECT_ROOT = Path(__file__).resolve().parents[3]


def loader_of(root: Path, env: str) -> OmegaConfigLoader:
    """Returns a loader of an environment's files; it needs no Kedro session, which a wrong study ends."""
    return OmegaConfigLoader(str(root / "conf"), env=env, base_env=BASE, default_run_env=DEFAULT)


def read_parameters(loader: AbstractConfigLoader) -> dict[str, Any]:
    """Reads the parameters of the environment in use.

    Raises:
        StudyError: If there is no such environment, or if a file is not YAML.
    """
    require(Path(loader.conf_source).parent, loader.env or DEFAULT)
    try:
        return loader["parameters"]  # pyright: ignore[reportUnknownVariableType]
    except (MissingConfigException, OmegaConfBaseException, yaml.YAMLError, ValueError) as problem:
        raise StudyError([Problem(study_file(loader), " ".join(str(problem).split()))]) from problem


def study_file(loader: AbstractConfigLoader) -> str:
    """Returns the path of the study in use, relative to the working directory if below it."""
    env = loader.env or getattr(loader, "default_run_env", "")
    file, here = os.path.abspath(Path(loader.conf_source) / env / STUDY_FILE), os.getcwd()
    return os.path.relpath(file, here) if Path(file).is_relative_to(here) else file


def study_problems(loader: AbstractConfigLoader, parameters: dict[str, Any]) -> list[Problem]:
    """Returns what is wrong with the parameters of the study in use, with its file's path."""
    return [replace(problem, where=study_file(loader)) for problem in Study.problems(parameters)]


def lock_file(loader: AbstractConfigLoader | None) -> Path | None:
    """Returns where the ``models.lock`` of the environment in use belongs; None without a loader."""
    return None if loader is None else Path(study_file(loader)).with_name(LOCK_FILE)


class StudyConfigLoader(OmegaConfigLoader):
    """``OmegaConfigLoader`` that remembers the newest instance of itself."""

    newest: ClassVar[StudyConfigLoader | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes what ``OmegaConfigLoader`` takes."""
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        before = StudyConfigLoader.newest
        if before is not None and before._choice() != self._choice():
            _forget_registered_pipelines()
        StudyConfigLoader.newest = self

    def _choice(self) -> tuple[str, str]:
        return str(self.conf_source), self.env or self.default_run_env


def current_parameters() -> dict[str, Any]:
    """Returns the parameters of the environment in use."""
    loader = StudyConfigLoader.newest
    return (loader_of(PROJECT_ROOT, chosen(None)) if loader is None else loader)["parameters"]


def _forget_registered_pipelines() -> None:
    """Kedro keeps the registered pipelines for the whole process; another environment needs others."""
    from kedro.framework.project import pipelines

    pipelines.configure(pipelines._pipelines_module)  # pyright: ignore[reportPrivateUsage]
