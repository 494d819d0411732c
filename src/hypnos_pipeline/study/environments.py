"""The environments in ``conf/``: which there are, and which one is in use."""

from __future__ import annotations

import os
from pathlib import Path

from hypnos_pipeline.errors import Problem, StudyError, nearest

DEFAULT = "mini"
BASE = "base"
"""The folder in ``conf/`` of what all environments share."""
STUDY_FILE = "parameters_study.yml"


def chosen(env: str | None) -> str:
    """Returns the environment requested, else Kedro's choice."""
    return env or os.environ.get("KEDRO_ENV") or DEFAULT


def known(root: Path) -> list[str]:
    """Returns the environments of a project that hold a study."""
    return sorted(file.parent.name for file in root.glob(f"conf/*/{STUDY_FILE}"))


def require(root: Path, env: str) -> None:
    """Refuses an environment without a study.

    Raises:
        StudyError: Naming those that have one.
    """
    names = known(root)
    if env not in names:
        raise StudyError([Problem("conf", f"no environment {env!r} with a study", nearest(env, names))])
