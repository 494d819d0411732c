"""Choosing cells by words, and the messages when there are none."""

from __future__ import annotations

import pytest

from hypnos_pipeline.errors import ProvenanceError, StudyNotRun, UnknownWord
from hypnos_pipeline.provenance.cells import not_yet_run, parse_cells, read_cells, select
from hypnos_pipeline.study.environments import DEFAULT
from tests.provenance.small_study import CELLS, MEAN, git, the_cell, write

NOBODY = {"table": None, "prompt_set": None, "subject": None, "method": None, "metric": None}


def test_digits_are_kept_as_they_stand(study):
    cell = the_cell(study, "hypnos", "chair")
    assert (cell.mean, cell.std, cell.n, cell.paper) == (MEAN, "0.25", "8", "")


def test_words_narrow_and_none_names_all(study):
    cells = read_cells(study, "mini")
    assert select(cells, NOBODY) == cells
    by_table = select(cells, {**NOBODY, "table": "2"})
    assert by_table == select(cells, {**NOBODY, "prompt_set": "varying"})
    assert {cell.metric for cell in by_table} == {"fid"}
    assert select(cells, {**NOBODY, "table": "2", "metric": "dino"}) == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("metric", "unknown metric 'dno'; expected dino, or another one of dino, fid"),
        ("prompt_set", "unknown prompt set 'dno'; expected one of invariant, varying"),
        ("subject", "unknown subject 'dno'; expected one of chair, lego_robot"),
        ("method", "unknown method 'dno'; expected one of base, hypnos"),
    ],
)
def test_an_unknown_word_gets_the_known_ones(study, kind, message):
    with pytest.raises(UnknownWord) as caught:
        select(read_cells(study, "mini"), {**NOBODY, kind: "dno"})
    assert str(caught.value) == message
    assert not_yet_run(study, "mini", caught.value) is caught.value


def test_a_configured_word_without_cells_has_not_run(study):
    with pytest.raises(UnknownWord) as caught:
        select(read_cells(study, "mini"), {"metric": "kid"})
    error = not_yet_run(study, "mini", caught.value)
    assert isinstance(error, StudyNotRun)
    assert "'kid' is configured but has no cell yet" in str(error)
    assert "kedro repro" in str(error)


def test_an_unknown_environment_gets_those_with_a_study(study):
    (study / "conf/empty").mkdir()
    with pytest.raises(
        UnknownWord, match="unknown environment 'pap'; expected paper, or another one of mini, paper"
    ):
        read_cells(study, "pap")


def ways(error: Exception) -> list[str]:
    """The commands that a message offers."""
    return [line.split("    ")[0].strip() for line in str(error).splitlines() if line.startswith("  ")]


def test_a_study_never_run_says_what_to_run(study):
    (study / CELLS).unlink()
    (study / "dvc.lock").unlink()
    with pytest.raises(StudyNotRun, match=r"cells\.csv is missing") as caught:
        read_cells(study, "mini")
    by_hand = "kedro run --env=mini --pipeline=full && dvc commit --force"
    assert ways(caught.value) == ["make run", by_hand, "kedro repro"]


def test_a_remote_offers_pulling(study):
    (study / CELLS).unlink()
    with (study / ".dvc/config").open("a") as config:
        config.write("['remote \"shelf\"']\n    url = /shelf\n")
    with pytest.raises(StudyNotRun) as caught:
        read_cells(study, "mini")
    assert ways(caught.value)[-1] == "dvc pull"


def test_what_is_only_deleted_can_be_checked_out(study):
    (study / CELLS).unlink()
    with pytest.raises(StudyNotRun) as caught:
        read_cells(study, "mini")
    assert ways(caught.value)[0] == f"git checkout {git(study, 'rev-parse', 'HEAD')[:12]} -- {CELLS}"


def test_another_environment_must_first_be_chosen(study):
    with pytest.raises(StudyNotRun, match=r"dvc\.yaml chooses the environment 'mini'") as caught:
        read_cells(study, "paper")
    assert "make run" not in ways(caught.value)
    assert "kedro run --env=paper --pipeline=full && dvc commit --force" in ways(caught.value)


@pytest.mark.parametrize("text", ["subject,method\na,b\n", "table,stranger\n1,2\n"])
def test_other_columns_are_named(text):
    with pytest.raises(ProvenanceError, match=r"has the columns .*; expected table, prompt_set"):
        parse_cells(text, "mini")


def test_an_empty_table_has_not_run(study):
    write(study, CELLS, "table,prompt_set,subject,method,metric,mean,std,std_images,n,paper\n")
    with pytest.raises(StudyNotRun, match="holds no cells"):
        read_cells(study, "mini")


def test_the_default_is_kedros():
    from hypnos_pipeline.settings import CONFIG_LOADER_ARGS

    assert CONFIG_LOADER_ARGS["default_run_env"] == DEFAULT
