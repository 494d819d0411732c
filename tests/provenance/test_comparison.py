"""A reproduced cell beside the recorded one: every number, the machines, and the first file that differs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hypnos_pipeline.provenance.cells import Cell
from hypnos_pipeline.provenance.comparison import Number, Reproduction, compare_numbers, read_numbers
from hypnos_pipeline.provenance.hashes import on_disk
from hypnos_pipeline.provenance.record import Recorded, StageRecord

CELL = Cell("mini", "1", "invariant", "lego_robot", "base", "dino", "0.5", "0.25", "0.125", "4", "")
ROW = {"prompt_set": "invariant", "subject": "lego_robot", "method": "base", "metric": "dino"}
VALUES = {"mean": "0.5", "std": "0.25", "std_images": "0.125", "n": "4", "std_trainings": ""}


def scores(folder: Path, *rows: dict[str, str]) -> list[Path]:
    file = folder / "scores.csv"
    file.write_text("\n".join(",".join(row) for row in (rows[0], *(row.values() for row in rows))))
    return [file]


def recorded(root: Path, path: str, content: str | None = None) -> Recorded:
    """Records a file or folder as it lies in the project, after writing it where its content is given."""
    if content is not None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    found = on_disk(root, path)
    assert found is not None
    return Recorded(path, found.md5)


def stage(*outs: Recorded, name: str = "sampling") -> StageRecord:
    return StageRecord(name, "a command", outs={out.path: out for out in outs})


@pytest.mark.parametrize("column", VALUES)
def test_every_number_of_a_cell_is_compared(tmp_path, column):
    found = read_numbers(scores(tmp_path, ROW | VALUES | {column: "0.75"}), CELL)
    assert [number.name for number in compare_numbers(CELL, found) if not number.equal] == [column]


def test_the_row_is_the_cell_s_own(tmp_path):
    others = [ROW | {name: "another"} | dict.fromkeys(VALUES, "9") for name in ROW]
    assert read_numbers(scores(tmp_path, *others, ROW | VALUES), CELL) == VALUES
    assert read_numbers(scores(tmp_path, *others), CELL) is None
    assert [number.reproduced for number in compare_numbers(CELL, None)] == [""] * 5
    assert read_numbers(scores(tmp_path, ROW | {"mean": "0.5"}), CELL) == dict.fromkeys(VALUES, "") | {
        "mean": "0.5"
    }


@pytest.mark.parametrize(
    ("recorded", "reproduced", "tolerance", "text"),
    [
        ("0.5", "0.50", 0.0, "mean 0.5"),
        ("", "", 0.0, "mean "),
        ("0.5", "0.75", 0.25, "mean 0.75 instead of 0.5 (+0.25)"),  # up to 1 the tolerance is absolute
        ("-4", "-4.5", 0.125, "mean -4.5 instead of -4 (-0.5)"),  # above 1 it is relative
        ("0.5", "", None, "mean none instead of 0.5"),
        ("", "0.5", None, "mean 0.5 instead of none"),
    ],
)
def test_a_number_is_within_the_tolerance_or_not(recorded, reproduced, tolerance, text):
    number = Number("mean", recorded, reproduced)
    assert str(number) == text
    if tolerance is None:
        assert not number.within(1e9)
    else:
        assert number.within(tolerance)
        assert number.within(tolerance * 0.99) is number.equal is (tolerance == 0)


MACHINE = {"cpu": "one", "libraries": {"torch": "2"}}


@pytest.mark.parametrize(
    ("there", "here", "differing", "unknown"),
    [
        ({"machine": MACHINE}, {"machine": MACHINE}, [], []),
        (
            {"machine": MACHINE},
            {"machine": {"cpu": "two", "libraries": {"torch": "3"}, "threads": 1}},
            [
                "cpu: two here, one in the record",
                "torch: 3 here, 2 in the record",
                "threads: 1 here, absent in the record",
            ],
            [],
        ),
        ({"machine": MACHINE}, {}, [], ["only the record names a machine in report.json"]),
        (
            {"machine": "one"},
            {"machine": MACHINE},
            [],
            ["only the reproduction names a machine in report.json"],
        ),
        ([], {}, [], ["the record does not name it"]),
    ],
)
def test_machines_are_compared_by_the_reports_that_name_them(tmp_path, there, here, differing, unknown):
    root, project = tmp_path / "root", tmp_path / "project"
    outs = recorded(root, "report.json", json.dumps(there)), recorded(root, "broken.json", "{")
    outs = *outs, recorded(root, "scores.csv", json.dumps({"machine": "elsewhere"}))
    shutil.copytree(root, project)
    (project / "report.json").write_text(json.dumps(here))
    (project / "scores.csv").write_text(json.dumps({"machine": MACHINE}))
    made = Reproduction(root, project, [stage(*outs)], tmp_path / "spare")
    assert made.machine_differences() == (differing, unknown)
    if "machine" in here:
        (root / "report.json").unlink()
        lost = ["report.json is not at hand as recorded (`dvc checkout report.json`)"]
        assert made.machine_differences() == ([], lost)


def test_a_recorded_artefact_comes_from_the_working_tree_or_the_cache(tmp_path):
    from dvc.repo import Repo

    root, spare = tmp_path / "root", tmp_path / "spare"
    root.mkdir()
    repo = Repo.init(str(root), no_scm=True)
    file = recorded(root, "a/file.csv", "one")
    for name in ("x/1.txt", "2.txt"):
        recorded(root, f"folder/{name}", name)
    folder = recorded(root, "folder")
    made = Reproduction(root, tmp_path, [], spare)
    assert made.recorded_copy(file) == root / "a/file.csv"
    repo.add([str(root / "a/file.csv"), str(root / "folder")])
    cache = Path(repo.cache.local.path)
    shutil.rmtree(root / "folder")
    (root / "a/file.csv").unlink()
    for _ in range(2):  # the second time the copy lies there
        copy = made.recorded_copy(file)
        assert copy == spare / "a/file.csv"
        assert copy.read_text() == "one"
    copy = made.recorded_copy(folder)
    assert copy == spare / "folder"
    assert [(copy / name).read_text() for name in ("x/1.txt", "2.txt")] == ["x/1.txt", "2.txt"]
    shutil.rmtree(spare)
    for path in cache.rglob("*"):
        if path.is_file() and path.read_text() == "2.txt":
            path.unlink()
    assert made.recorded_copy(folder) is None
    shutil.rmtree(cache)
    assert made.recorded_copy(file) is None
    assert not spare.exists()


def test_the_first_artefact_that_differs_is_named(tmp_path):
    root, project, spare = (tmp_path / name for name in ("root", "project", "spare"))
    same, scores = recorded(root, "same.csv", "value\n1\n"), recorded(root, "scores.csv", "value\n1\n")
    report = recorded(root, "report.json", json.dumps({"machine": MACHINE}))
    later = recorded(root, "later.csv", "value\n1\n")
    shutil.copytree(root, project)
    stages = [stage(same, name="first"), stage(report, scores, name="second"), stage(later, name="third")]

    parting = Reproduction(root, project, stages, spare).first_parting
    assert parting() is None
    for name in ("scores.csv", "later.csv"):
        (project / name).write_text("value\n1.5\n")
    first = parting()
    assert first is not None
    assert first.startswith("scores.csv (stage second): numbers by up to 0.5 ")
    (project / "report.json").write_text(json.dumps({"machine": {}}))
    assert parting(reports=False) == first
    second = parting()
    assert second is not None
    assert second.startswith("report.json (stage second): ")
    (root / "scores.csv").unlink()
    lost = "the recorded one is neither in the working tree nor in DVC's cache to be compared"
    assert parting(reports=False) == f"scores.csv (stage second): {lost}"
