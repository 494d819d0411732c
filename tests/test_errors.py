"""Every error that a user can cause ends a command with one message and exit status 1."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import yaml
from click.testing import CliRunner
from kedro.io import DatasetError

from hypnos_pipeline import errors
from hypnos_pipeline.commands.plain import PlainCommand, PlainGroup
from hypnos_pipeline.errors import HypnosError, Problem, ProblemsError, UnknownWord, WorkerDied
from hypnos_pipeline.running.hooks import PlainErrors
from tests.end_to_end.shrunken import make_project


def tree(base: type[HypnosError] = HypnosError) -> Iterator[type[HypnosError]]:
    yield base
    for below in base.__subclasses__():
        yield from tree(below)


def example(kind: type[HypnosError]) -> HypnosError:
    if issubclass(kind, ProblemsError):
        return kind([Problem("conf/mini", "seed: -1", "expected at least 0")])
    if issubclass(kind, WorkerDied):
        return kind("finetune", 3)
    return kind("metric", "dno", ["dino"]) if issubclass(kind, UnknownWord) else kind("make room")


def in_a_command(error: HypnosError) -> None:
    raise error


def in_a_run(error: HypnosError) -> None:
    wrapped = DatasetError("Failed while saving data")
    wrapped.__cause__ = error
    PlainErrors().on_pipeline_error(wrapped)


@pytest.mark.parametrize("raising", [in_a_command, in_a_run])
@pytest.mark.parametrize("kind", list(tree()))
def test_a_user_s_error_ends_a_command_with_its_message(kind, raising):
    error = example(kind)

    def fail() -> None:
        raising(error)

    group = PlainGroup("group", commands={"inner": click.Command("inner", callback=fail)})
    for command, words in ((PlainCommand("outer", callback=fail), []), (group, ["inner"])):
        ended = CliRunner().invoke(command, words)
        assert ended.exit_code == 1
        assert ended.output == f"Error: {error}\n"
        assert isinstance(ended.exception, SystemExit)


def test_outside_a_command_the_error_itself_comes_out():
    with pytest.raises(errors.StorageFull):
        in_a_run(errors.StorageFull("make room"))


def test_the_overview_names_every_error():
    drawn = [line.split("── ")[-1].split()[0] for line in errors.__doc__.splitlines() if "── " in line]
    assert sorted(drawn) == sorted(kind.__name__ for kind in tree() if kind is not HypnosError)
    assert {kind.__module__ for kind in tree()} == {errors.__name__}


def test_kedro_s_own_commands_show_it_too(tmp_path, monkeypatch):
    from kedro.framework.cli.cli import KedroCLI

    project = make_project(tmp_path / "project")
    file = project / "conf/mini/parameters_study.yml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"seed": -1}))
    monkeypatch.chdir(project)
    monkeypatch.setattr("hypnos_pipeline.study.loading.StudyConfigLoader.newest", None)
    monkeypatch.setattr("hypnos_pipeline.study.loading.PROJECT_ROOT", project)
    ended = CliRunner().invoke(KedroCLI(project), ["registry", "list"])
    assert ended.exit_code == 1
    assert "seed: -1; expected at least 0" in ended.output
    assert isinstance(ended.exception, SystemExit)


def test_problems_are_listed_by_place_each_once():
    found = [Problem("b", "x", "y"), Problem("a", "z"), Problem("b", "x", "y"), Problem("b", "w")]
    assert errors.listed(found) == "b\n  - x; y\n  - w\na\n  - z"
    assert str(errors.StudyError(found)).startswith("Nothing was run: 3 problems to fix.\n")


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("dno", ["fid", "dino"], "expected dino, or another one of fid, dino"),
        ("x", ["fid"], "expected one of fid"),
        ("x", [], "expected none"),
    ],
)
def test_the_nearest_word_is_suggested(word, known, expected):
    assert errors.nearest(word, known) == expected
