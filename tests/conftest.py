"""What every test shares: no hub, no display, one fixed number of threads."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Before any library that reads them is imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that contend with the other worker's run far slower
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

PROJECT_ROOT = Path(__file__).resolve().parents[1]

# A shell's background jobs ignore Ctrl-C, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, whatever else the machine does.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")

LONGEST = (
    "end_to_end/test_learning.py",
    "stages/test_versioned_study.py",
    "end_to_end/test_paper_path.py",
    "end_to_end/test_resume.py",
    "end_to_end/test_safety.py",
    "notebooks/test_notebooks.py",
    "stages/test_agreement.py",
    "end_to_end/test_full.py",
    "provenance/test_reproduction.py",
    "test_benchmarks.py",
    "viz/test_site.py",
    "checks/test_bad_input.py",
)
"""The files that take longest, the longest first. Two workers take files in this order, so that neither has a
long one left at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the longest files first.

    Leaves out the rehearsal, which takes a machine of its own, unless it is requested by name.
    """
    ranks = {PROJECT_ROOT / "tests" / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    if "rehearsal" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("rehearsal")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def shrunken_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of a finished shrunken study; what is in its ``data`` is not to be changed."""
    from tests.end_to_end.shrunken import make_project, run
    from tests.shared import made_once

    return made_once(
        tmp_path_factory,
        "shrunken_study",
        lambda folder: run(make_project(folder), pipeline_names=["full"]),
    )


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout the tests run in."""
    return PROJECT_ROOT
