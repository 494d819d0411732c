"""The project's own commands: an import error would hide them without a word, so they are asked for."""

from __future__ import annotations

import subprocess
import sys


def test_kedro_lists_the_commands(project_root):
    answer = subprocess.run(
        [sys.executable, "-m", "kedro", "miniworld", "--help"],
        cwd=project_root,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert "judge" in answer.stdout
    assert "promote" in answer.stdout
