"""A cell of several trainings: traced to each of them, listed with their spread, and made again."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

import pytest
from click.testing import CliRunner

from hypnos_pipeline.commands.cell import cell
from hypnos_pipeline.provenance.comparison import read_numbers
from tests.provenance.small_study import CELLS, STUDY, commit, replace, repro, the_cell, write

CELL = ["--table", "1", "--subject", "lego_robot", "--method", "base", "--metric", "dino"]
OUTPUT = "data/07_model_output/mini/lego_robot"
SECOND = f"{OUTPUT}/training_2/samples/base"
SCORES = [f"{OUTPUT}/scores/base.csv", f"{OUTPUT}/scores/base.training_2.csv"]

FURTHER = """\
  sampling_base_further:
    matrix: {subject: [lego_robot], method: [base], training: [2]}
    cmd: python -S -m hypnos_pipeline.sample_again ${item.subject}
    deps: ["${photos}/${item.subject}/working_photos", src/hypnos_pipeline/sample_again.py]
    params: ["${study}": ["subjects.${item.subject}"]]
    outs: ["${output}/${item.subject}/training_${item.training}/samples/${item.method}"]
  evaluation_base_further:
    matrix: {subject: [lego_robot], method: [base], training: [2]}
    cmd: >-
      python -S -m hypnos_pipeline.metrics.evaluate ${item.subject} ${item.method}
      --photos ${photos}/${item.subject}/working_photos
      --model ${net}
      --samples ${output}/${item.subject}/training_${item.training}/samples/${item.method}
      --scores ${output}/${item.subject}/scores/${item.method}.training_${item.training}.csv
      --report ${output}/${item.subject}/evaluation_reports/${item.method}.training_${item.training}.json
    deps:
      - ${photos}/${item.subject}/working_photos
      - ${output}/${item.subject}/training_${item.training}/samples/${item.method}
      - ${net}
      - src/hypnos_pipeline/metrics
    params: ["${study}": [evaluation, runtime]]
    outs:
      - ${output}/${item.subject}/scores/${item.method}.training_${item.training}.csv
      - ${output}/${item.subject}/evaluation_reports/${item.method}.training_${item.training}.json
"""
SAMPLE_AGAIN = """\
import re, sys
from pathlib import Path
from hypnos_pipeline.notes import note

note("sampling_base_further")
assert re.search(r"further_trainings:[\\s\\[-]*2", Path("conf/mini/parameters_study.yml").read_text())
samples = Path("data/07_model_output/mini", sys.argv[1], "training_2/samples/base")
samples.mkdir(parents=True, exist_ok=True)
for name, value in (("00", 0.25), ("01", 0.5)):
    (samples / f"{name}.csv").write_text(f"value\\n{value!r}\\n")
"""
AVERAGE = """\
import csv, math
from pathlib import Path

def deviation(values):  # by Welford's steps, as pandas, to the last digit
    mean = square = 0.0
    for count, value in enumerate(values, 1):
        before, mean = mean, mean + (value - mean) / count
        square += (value - mean) * (value - before)
    return math.sqrt(square / (count - 1))

cells = {}
for path in sorted(Path("data/08_reporting/mini/subject_scores").glob("*.csv")):
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            cells.setdefault(tuple(row.values())[:5], []).append(row)
with Path("data/08_reporting/mini/cells.csv").open("w", newline="") as file:
    writer = csv.DictWriter(file, [*row, "trainings", "std_trainings"])
    writer.writeheader()
    for rows in cells.values():
        means = [float(row["mean"]) for row in rows]
        spread = {"trainings": len(rows), "std_trainings": deviation(means) if rows[1:] else ""}
        writer.writerow(rows[0] | {"mean": sum(means) / len(means)} | spread)
"""


@pytest.fixture(scope="module")
def trained_twice(finished_study, tmp_path_factory) -> Path:
    """The study with a second training of the base model on lego_robot. Not to be changed."""
    root = tmp_path_factory.mktemp("twice") / "study"
    shutil.copytree(finished_study, root, symlinks=True)
    text = (root / "dvc.yaml").read_text()
    head, _, last = text.partition("  reporting_study:\n")
    joined = "awk 'NR == 1 || FNR > 1' ${reporting}/subject_scores/* > ${reporting}/cells.csv"
    assert joined in last
    last = last.replace(joined, "python -S -m hypnos_pipeline.average")
    write(root, "dvc.yaml", f"{head}{FURTHER}  reporting_study:\n{last}")
    write(root, "src/hypnos_pipeline/sample_again.py", SAMPLE_AGAIN)
    write(root, "src/hypnos_pipeline/average.py", AVERAGE)
    replace(root, STUDY, "seed: 42\n", "seed: 42\ntrainings: 2\nfurther_trainings: [2]\n")
    repro(root)
    commit(root, "a second training")
    return root


@pytest.fixture
def study(trained_twice, tmp_path, monkeypatch) -> Path:
    """A copy of it, to be changed; the current folder, from which stages note that they ran."""
    root = tmp_path / "study"
    shutil.copytree(trained_twice, root, symlinks=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return root


def call(*arguments: str):
    return CliRunner().invoke(cell, list(arguments))


def means(root: Path) -> list[str]:
    found = [read_numbers([root / path], the_cell(root)) for path in SCORES]
    return [numbers["mean"] for numbers in found if numbers]


def ran(root: Path) -> list[str]:
    return [line.split()[0] for line in (root.parent / "notes").read_text().splitlines()]


def test_a_cell_is_traced_to_each_training(study):
    found = json.loads(call("trace", *CELL, "--json").stdout)
    places = [(f"{OUTPUT}/samples/base", SCORES[0]), (SECOND, SCORES[1])]
    assert found["trainings"] == [
        {"number": number, "mean": mean, "model": "", "samples": samples, "scores": scores}
        for number, mean, (samples, scores) in zip((1, 2), means(study), places, strict=True)
    ]
    assert float(found["cell"]["mean"]) == statistics.fmean(map(float, means(study)))
    assert found["as_recorded"]
    stages = {stage["name"] for stage in found["stages"]}
    assert {"evaluation@lego_robot-base", "evaluation_base_further@lego_robot-base-2"} < stages
    lines = call("trace", *CELL).stdout.splitlines()
    assert "2 trainings, std " in lines[0]
    assert [line.split()[:3] for line in lines if line.startswith("training ")] == [
        ["training", "1", f"{means(study)[0]},"],
        ["training", "2", f"{means(study)[1]},"],
    ]
    tree = call("trace", *CELL, "--files").stdout
    assert tree.count(f"{SECOND}  ") > 0
    assert 'label="averaged"' in call("trace", *CELL, "--dot").stdout


def test_a_change_in_a_further_training_is_named(study):
    (study / SECOND / "00.csv").unlink()
    last = call("trace", *CELL).stdout.splitlines()[-1]
    assert last.startswith("no longer as recorded, first at sampling_base_further@lego_robot-base-2: ")


def test_the_list_shows_the_deviation_between_trainings(study):
    (line,) = (line for line in call("list", *CELL).stdout.splitlines() if line.startswith("base"))
    std = statistics.stdev(map(float, means(study)))
    assert line.split()[-3:] == [f"{statistics.fmean(map(float, means(study))):.4g}", "±", f"{std:.2g}"]
    assert "±" not in call("list", *CELL[:4], "--method", "hypnos").stdout


def test_all_trainings_are_made_again_whatever_the_study_has_now(study):
    replace(study, STUDY, "trainings: 2\nfurther_trainings: [2]", "trainings: 1\nfurther_trainings: []")
    done = call("reproduce", *CELL)
    assert done.exit_code == 0, done.output
    assert "reproduced to the last digit" in done.stdout
    assert "std_trainings" in done.stdout
    assert sorted(ran(study)) == [
        "background_removal",
        "evaluation",
        "evaluation",
        "sampling_base",
        "sampling_base_further",
    ]


def test_one_training_alone_is_compared_with_its_own_scores(study):
    done = call("reproduce", *CELL, "--training", "2")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{the_cell(study)}, training 2: reproduced to the last digit\n")
    assert f"mean {means(study)[1]}\n" in done.stdout
    assert ran(study) == ["background_removal", "sampling_base_further", "evaluation"]
    assert "unknown training '3'; expected one of 1, 2" in call("reproduce", *CELL, "--training", "3").stderr


def test_a_table_that_is_no_mean_of_its_trainings_is_found_out(study):
    old, new = the_cell(study).mean, "0.75"
    replace(study, CELLS, old, new)
    repro_lock(study)
    done = call("reproduce", *CELL)
    assert done.exit_code == 1
    assert f"mean {old} instead of {new}" in done.stdout


def repro_lock(root: Path) -> None:
    """Records the table on disk, as a person would who trusts it."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        repo.commit("reporting_study", force=True)


def test_cells_beside_the_record(study):
    said = call("compare", *CELL)
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[-1] == "1 cell: 1 equal to the record"
    recorded = float(the_cell(study).mean)
    replace(study, CELLS, the_cell(study).mean, repr(recorded + 0.01))
    line = call("compare", *CELL).stdout.splitlines()[1]
    assert line.split()[4:] == [
        f"{recorded + 0.01:.6g}",
        f"{recorded:.6g}",
        "+0.01",
        "±",
        line.split()[8],
        "within",
    ]
    replace(study, CELLS, repr(recorded + 0.01), repr(recorded + 100))
    assert call("compare", *CELL).stdout.splitlines()[-1] == "1 cell: 1 beyond what trainings differ by"
    assert "no commit 'nowhere'" in call("compare", "--rev", "nowhere").stderr
    one = call("compare", "--rev", "HEAD~1", "--method", "hypnos").stdout
    assert one.splitlines()[-1] == "4 cells: 4 equal to the record"
