"""`kedro cell list` and `kedro cell trace` as a person calls them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from hypnos_pipeline.commands.cell import cell
from hypnos_pipeline.provenance.record import read_record
from tests.provenance.small_study import CELLS, MEAN

CELL = ["--table", "1", "--subject", "lego_robot", "--method", "hypnos", "--metric", "dino"]


def call(*arguments: str):
    return CliRunner().invoke(cell, list(arguments))


def test_list_narrows_by_words(study):
    everything = call("list")
    assert everything.exit_code == 0
    assert len(everything.stdout.splitlines()) == 4 * 5  # a title, a heading, two methods, a free line
    assert len(call("list", "--rows").stdout.splitlines()) == 9
    some = call("list", "--rows", "--table", "2", "--subject", "chair")
    assert [line.split()[:5] for line in some.stdout.splitlines()[1:]] == [
        ["2", "varying", "chair", "base", "fid"],
        ["2", "varying", "chair", "hypnos", "fid"],
    ]


def test_trace_by_table_or_prompt_set(study):
    answer = call("trace", *CELL)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(f"table 1 (invariant), lego_robot, hypnos, dino: {MEAN}")
    assert answer.stdout.splitlines()[-1].startswith("matches the record")
    assert call("trace", *CELL[2:], "--prompt-set", "invariant").stdout == answer.stdout
    assert call("trace", *CELL, "--env", "mini").stdout == answer.stdout


def test_a_pipe_gets_whole_lines_and_no_colour(study):
    text = call("trace", *CELL, "--files").stdout
    assert "\x1b" not in text
    command = read_record(study).stages["evaluation@lego_robot-hypnos"].cmd
    assert len(command) > 300
    assert any(line.endswith(f"command: {command}") for line in text.splitlines())


def test_files_json_and_dot(study):
    for option, shown in (("--code", "square.py"), ("--parameters", "steps = 4"), ("--files", "01.jpg  ")):
        assert shown not in call("trace", *CELL).stdout
        assert shown in call("trace", *CELL, option).stdout
        assert shown in call("trace", *CELL, "--all").stdout
    assert json.loads(call("trace", *CELL, "--json").stdout)["cell"]["metric"] == "dino"
    assert call("trace", *CELL, "--dot").stdout.startswith("digraph ")
    assert call("trace", *CELL, "--dot", "--json").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trace", *CELL[:-1], "dno"], "unknown metric 'dno'; expected dino, or another one of dino, fid"),
        (["list", "--method", "dno"], "unknown method 'dno'; expected one of base, hypnos"),
        (["list", "--env", "dno"], "unknown environment 'dno'; expected one of mini, paper"),
        (["list", "--table", "3"], "'3' is not one of '1', '2'"),
        (["trace", *CELL[2:]], "give --table 1, --table 2 or --prompt-set (invariant)"),
    ],
)
def test_unknown_words_get_the_known_ones(study, arguments, message):
    answer = call(*arguments)
    assert answer.exit_code == (1 if "unknown" in message else 2)
    assert message in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize("command", ["list", "trace"])
def test_an_undefined_cell_is_reported(study, command):
    answer = call(command, *CELL[:-1], "fid")
    assert answer.exit_code == 1
    assert (
        "undefined: data/08_reporting/mini/cells.csv has no row with table 1, subject lego_robot"
        in answer.stderr
    )


def test_a_study_not_run_says_what_to_run(study):
    (study / "dvc.lock").unlink()
    assert call("list").exit_code == 0
    answer = call("trace", *CELL)
    assert answer.exit_code == 1
    assert "there is no dvc.lock" in answer.stderr
    (study / CELLS).unlink()
    for answer in (call("list"), call("trace", *CELL)):
        assert answer.exit_code == 1
        assert "make run" in answer.stderr
        assert "kedro repro" in answer.stderr


def test_the_environment_variable_chooses_as_for_kedro_run(study, monkeypatch):
    monkeypatch.setenv("KEDRO_ENV", "paper")
    assert "data/08_reporting/paper/cells.csv is missing" in call("list").stderr
    assert call("list", "--env", "mini").exit_code == 0


def test_a_broken_lock_is_no_traceback(study):
    (study / "dvc.lock").write_text("<<<<<<< ours\n")
    answer = call("trace", *CELL)
    assert answer.exit_code == 1
    assert answer.stderr.startswith("Error: dvc.lock")


def test_elsewhere_the_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = call("list")
    assert answer.exit_code == 1
    assert "not the project's folder: no pyproject.toml and no dvc.yaml here" in answer.stderr


def test_nothing_in_the_study_is_touched(study):
    def listing():
        files = (path for path in study.rglob("*") if path.is_file() and ".dvc/tmp" not in str(path))
        return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}

    before = listing()
    assert call("trace", *CELL, "--json").exit_code == 0
    assert listing() == before
