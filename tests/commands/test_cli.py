"""The project's own commands: an import error would hide them without a word, so they are listed here."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner
from kedro.framework.cli.cli import KedroCLI


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ([], ["cell", "doctor", "export", "mattes", "miniworld", "sample"]),
        (["miniworld"], ["evaluate", "promote"]),
        (["cell"], ["list", "trace", "reproduce"]),
        (["models"], ["adopt", "fetch", "list"]),
    ],
)
def test_kedro_lists_the_commands(project_root, monkeypatch, group, commands):
    monkeypatch.chdir(project_root)
    answer = CliRunner().invoke(KedroCLI(project_root), [*group, "--help"])
    assert answer.exit_code == 0, answer.output
    listed = {line.split()[0] for line in answer.output.splitlines() if line.startswith("  ")}
    assert set(commands) <= listed


@pytest.mark.parametrize("words", ["hypnos_pipeline --pipelines=finetun", "kedro run --pipeline=finetun"])
def test_both_spellings_run_and_greet_nobody_with_a_deprecation(project_root, words):
    """`python -m hypnos_pipeline` is `kedro run`; Kedro would rather have `--pipelines`."""
    command = [sys.executable, "-m", *words.split()]
    answer = subprocess.run(command, cwd=project_root, capture_output=True, text=True)
    assert answer.returncode == 1
    assert ": no 'finetun' here; expected finetune, or another one of " in answer.stderr
    assert "deprecated" not in answer.stderr


def test_the_commands_load_no_heavy_library():
    code = (
        "import sys, hypnos_pipeline.cli; "
        "heavy = {'torch', 'pandas', 'numpy', 'dvc', 'distributed', 'pydantic', 'rich', 'diffusers'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
