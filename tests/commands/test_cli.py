"""The project's own commands: an import error would hide them without a word, so they are listed here."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("miniworld", ["evaluate", "promote"]),
        ("cell", ["list", "trace", "reproduce"]),
        ("models", ["adopt", "fetch", "list"]),
    ],
)
def test_kedro_lists_the_commands(project_root, group, commands):
    answer = subprocess.run(
        [sys.executable, "-m", "kedro", group, "--help"], cwd=project_root, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    listed = {
        line.split()[0] for line in answer.stdout.partition("Commands:")[2].splitlines() if line.split()
    }
    assert set(commands) <= listed


def test_kedro_lists_the_project_s_commands(project_root):
    answer = subprocess.run(
        [sys.executable, "-m", "kedro", "--help"], cwd=project_root, capture_output=True, text=True
    )
    listed = {line.split()[0] for line in answer.stdout.splitlines() if line.startswith("  ")}
    assert {"cell", "doctor", "export", "mattes", "miniworld", "sample"} <= listed


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
