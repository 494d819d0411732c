"""A cell beside the record's: how far two trainings of the same settings may lie apart, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hypnos_pipeline.errors import ProvenanceError
from hypnos_pipeline.findings.record import COLUMNS, FOLDER, Record, Training, save
from hypnos_pipeline.findings.spread import recorded_trainings
from hypnos_pipeline.provenance.against_record import (
    beside_record,
    findings_env,
    findings_of,
    recorded_cells,
)
from hypnos_pipeline.provenance.cells import Cell, read_cells
from hypnos_pipeline.provenance.listing import in_words
from tests.provenance.small_study import CELLS, STUDY, git, repro
from tests.provenance.small_study import replace as replaced

ONE = Cell("mini", "1", "invariant", "mug", "hypnos", "dino", "0.5", "0.1", "0.1", "4", "")
FIVE = replace(ONE, trainings="5", std_trainings="0.1")


@pytest.mark.parametrize("of_record", [True, False], ids=["record of five", "five elsewhere"])
def test_95_of_100_draws_of_the_same_settings_lie_within(of_record):
    draws = np.random.default_rng(0).normal(0.6, 0.05, (1500, 7))
    mine, theirs, findings = [], [], []
    for number, row in enumerate(draws):
        cell, (here, there, *five) = replace(ONE, subject=f"s{number}"), map(float, row)
        mine.append(replace(cell, mean=repr(here)))
        spread = {"trainings": "5", "std_trainings": repr(float(np.std(five, ddof=1)))}
        theirs.append(replace(cell, mean=repr(float(np.mean(five))), **spread) if of_record else cell)
        theirs[-1] = theirs[-1] if of_record else replace(cell, mean=repr(there))
        findings.append(replace(cell, **spread))
    found = beside_record(mine, theirs, [] if of_record else findings)
    within = np.mean([each.verdict == "within" for each in found])
    assert 0.93 <= within <= 0.97


@pytest.mark.parametrize(
    ("mine", "theirs", "findings", "verdict"),
    [
        ([ONE], [ONE], [], "equal to the record"),
        ([replace(ONE, mean="0.6")], [ONE], [FIVE], "within what trainings differ by"),
        ([replace(ONE, mean="0.6")], [FIVE], [], "within what trainings differ by"),
        ([replace(ONE, mean="0.95")], [ONE], [FIVE], "beyond what trainings differ by"),
        ([replace(ONE, mean="0.6")], [ONE], [ONE], "different, and no trainings tell by how much they may"),
        ([ONE], [], [FIVE], "not in the record"),
        ([], [ONE], [FIVE], "only in the record"),
    ],
)
def test_what_is_said_of_a_cell(mine, theirs, findings, verdict):
    assert in_words(beside_record(mine, theirs, findings)) == f"1 cell: 1 {verdict}"


def test_the_spread_is_that_of_a_difference_of_means():
    """With five trainings: Student's t of 4 degrees, and one or five draws on each side."""
    one, five = (beside_record([each], [FIVE], [])[0].spread for each in (ONE, FIVE))
    assert one == pytest.approx(2.776445 * 0.1 * (1 + 1 / 5) ** 0.5)
    assert five == pytest.approx(2.776445 * 0.1 * (2 / 5) ** 0.5)


def test_the_record_comes_from_git_else_from_dvc_s_cache(study):
    recorded = read_cells(study, "mini")
    (study / CELLS).unlink()
    assert recorded_cells(study, "mini", "HEAD") == recorded
    git(study, "rm", "--quiet", "--cached", CELLS)
    git(study, "commit", "--quiet", "--message", "without its cells")
    with pytest.raises(ProvenanceError, match=r"^HEAD records no cells of environment 'mini': .* --rev"):
        recorded_cells(study, "mini", "HEAD")
    replaced(study, "dvc.yaml", '["${reporting}/cells.csv": {cache: false}]', '["${reporting}/cells.csv"]')
    repro(study)
    assert recorded_cells(study, "mini", "HEAD") == recorded


def test_findings_are_those_of_the_environment_that_the_study_names(study):
    assert findings_env(study, "mini") == ""
    replaced(study, STUDY, "note: on", "findings: paper")
    assert findings_env(study, "mini") == "paper"
    assert findings_of(study, "paper", "HEAD") == []
    (study / "data/08_reporting/paper").mkdir()
    (study / CELLS).rename(study / "data/08_reporting/paper/cells.csv")
    assert {cell.env for cell in findings_of(study, "paper", "HEAD")} == {"paper"}


def test_without_cells_the_records_of_trainings_tell_how_far_they_lie_apart(tmp_path):
    means = [0.4, 0.5, 0.6]
    for number, mean in enumerate(means, 1):
        rows = [("invariant", "dino", f"invariant/{n}", mean + off) for n, off in enumerate((-0.25, 0.25))]
        values = pd.DataFrame(rows, columns=[*COLUMNS, "value"])
        save(tmp_path / FOLDER / "several" / Training("mug", "hypnos", number).file, Record(values, {}, {}))
    single = Training("mug", "base", 1).file
    save(tmp_path / FOLDER / "several" / single, Record(values, {}, {}))
    (found,) = recorded_trainings(tmp_path, "several")
    assert (found.subject, found.method, found.trainings) == ("mug", "hypnos", "3")
    assert float(found.std_trainings) == pytest.approx(0.1)
    assert recorded_trainings(tmp_path, "nowhere") == []
    (beside,) = beside_record([replace(ONE, mean="0.6")], [ONE], [found])
    assert beside.verdict == "within"  # the record of one training has a table, the records have none
