"""A config loader that lets the pipelines know which environment was chosen.

Kedro registers pipelines without telling them the environment, and ours are built from it. Every entry
point (run, viz, ipython) makes its config loader before the pipelines are read, so the loader remembers
itself; where there is none (``kedro registry list``), ``KEDRO_ENV`` or the default decides.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from kedro.config import OmegaConfigLoader

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class StudyConfigLoader(OmegaConfigLoader):
    """``OmegaConfigLoader`` that remembers the newest instance of itself."""

    newest: ClassVar[StudyConfigLoader | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before = StudyConfigLoader.newest
        if before is not None and before._choice() != self._choice():
            _forget_registered_pipelines()
        StudyConfigLoader.newest = self

    def _choice(self) -> tuple[str, str]:
        return str(self.conf_source), self.env or self.default_run_env


def current_parameters() -> dict[str, Any]:
    """Returns the parameters of the environment in use."""
    loader = StudyConfigLoader.newest
    if loader is None:
        loader = OmegaConfigLoader(
            conf_source=str(PROJECT_ROOT / "conf"),
            env=os.environ.get("KEDRO_ENV"),
            base_env="base",
            default_run_env="mini",
        )
    return loader["parameters"]


def _forget_registered_pipelines() -> None:
    """Kedro keeps the registered pipelines for the whole process; another environment needs others."""
    from kedro.framework.project import pipelines

    pipelines.configure(pipelines._pipelines_module)
