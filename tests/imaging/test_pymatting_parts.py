"""pymatting's kernels: those that we use, the same as in the whole package, and kept where one can write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import numba
import hypnos_pipeline.imaging.pymatting_parts as parts
multi_level = parts.pymatting_part("foreground.estimate_foreground_ml")
print("pymatting.util.kdtree" in sys.modules, numba.config.CACHE_DIR)
import pymatting
print(pymatting.estimate_foreground_ml is multi_level.estimate_foreground_ml)
"""


def test_only_what_is_used_is_compiled_and_the_package_is_whole_afterwards() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "True"]


def test_kernels_are_kept_among_temporary_files_where_nothing_else_can_be_written(tmp_path: Path) -> None:
    """As with a read-only home folder and packages that another user installed."""
    program = (
        "from hypnos_pipeline.imaging.pymatting_parts import _compiled;"
        "print(_compiled('tests.imaging.small_kernel').doubled(2))"
    )
    surroundings = os.environ | {
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings)
    assert ended.stdout.split() == ["4"]
    assert list(tmp_path.glob("numba-kernels-*/*/*.nbi"))
