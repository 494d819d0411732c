"""What every test shares: no hub, no display, one fixed number of threads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before any library that reads them is imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that contend with the other worker's run far slower
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the rehearsal, which takes a machine of its own, unless it is asked for by name."""
    if "rehearsal" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("rehearsal")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout the tests run in."""
    return PROJECT_ROOT
