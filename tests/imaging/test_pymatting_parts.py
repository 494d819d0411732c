"""pymatting's kernels: those that we use, the same as in the whole package."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import hypnos_pipeline.imaging.pymatting_parts as parts
multi_level = parts.pymatting_part("foreground.estimate_foreground_ml")
print("pymatting.util.kdtree" in sys.modules)
import pymatting
print(pymatting.estimate_foreground_ml is multi_level.estimate_foreground_ml)
"""


def test_only_what_is_used_is_compiled_and_the_package_is_whole_afterwards() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "True"]
