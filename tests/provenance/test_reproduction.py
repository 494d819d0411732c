"""One cell again: verdicts and exit statuses, on real commands in a real scratch folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from hypnos_pipeline.commands.reproduce import reproduce as command
from hypnos_pipeline.errors import ProvenanceError
from hypnos_pipeline.provenance.comparison import NUMBERS
from hypnos_pipeline.provenance.reproduction import DIFFERENT, ELSEWHERE, EQUAL, MISSING, Verdict, reproduce
from tests.provenance.small_study import (
    CELLS,
    METRICS,
    PHOTOS,
    REPORT,
    SAMPLES,
    SCORES,
    STUDY,
    md5_of,
    replace,
    repro,
    the_cell,
)

ARGUMENTS = ["--table", "1", "--subject", "lego_robot", "--method", "base", "--metric", "dino"]
STAGES = ["background_removal", "sampling_base", "evaluation"]


@pytest.fixture
def study(study, tmp_path, monkeypatch) -> Path:
    """A finished study; scratch folders and the stages' notes lie beside it."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return study


def again(root: Path, tolerance: float = 0.01, keep: bool = False) -> Verdict:
    return reproduce(root, the_cell(root), tolerance=tolerance, keep=keep, progress=print, say=print)


def notes(root: Path) -> list[list[str]]:
    """Returns name, process and file of each stage that ran."""
    path = root.parent / "notes"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def left(root: Path) -> list[Path]:
    return list((root.parent / "temporary").iterdir())


def snapshot(root: Path) -> dict[str, bytes]:
    """Returns every file below ``root``, git's and DVC's own too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_same_number_by_the_cell_s_own_stages_and_the_scratch_folder_s_own_code(study, monkeypatch):
    decoy = study.parent / "decoy" / "hypnos_pipeline"
    decoy.mkdir(parents=True)
    (decoy / "__init__.py").write_text("raise SystemExit('the surroundings reached into a stage')")
    monkeypatch.setenv("PYTHONPATH", str(decoy.parent))
    before = snapshot(study)
    verdict = again(study)
    assert (verdict.status, verdict.text.splitlines()[0]) == (
        EQUAL,
        "table 1 (invariant), lego_robot, base, dino: reproduced to the last digit",
    )
    assert [name for name, _, _ in notes(study)] == STAGES
    temporary = str(study.parent / "temporary" / "hypnos-reproduce-")
    assert all(file.startswith(temporary) for _, _, file in notes(study))
    assert left(study) == []
    assert snapshot(study) == before


def test_what_was_edited_since_does_not_matter(study):
    (study / PHOTOS / "00.jpg").write_text("replaced")
    (study / METRICS / "dino.py").write_text("edited")
    replace(study, STUDY, "image_size: 3", "image_size: 5")
    shutil.rmtree(study / "data/07_model_output")
    assert again(study).status == EQUAL


def test_inputs_found_nowhere_end_with_status_2_before_anything_runs(study):
    (study / PHOTOS / "00.jpg").write_text("never committed")
    recorded = md5_of(study, PHOTOS)
    repro(study)
    (study / PHOTOS / "00.jpg").unlink()
    (study.parent / "notes").unlink()
    result = CliRunner().invoke(command, ARGUMENTS)
    assert result.exit_code == MISSING
    assert f"{PHOTOS}  md5 {recorded}" in result.output
    assert notes(study) == []


def test_a_tampered_table_is_refused_before_anything_runs(study):
    stamp = (study / CELLS).stat().st_mtime_ns
    md5_of(study, CELLS)  # DVC has read it by now; length and time stamp give it no reason to read it again
    replace(study, CELLS, ",hypnos,dino,0.", ",hypnos,dino,1.")
    os.utime(study / CELLS, ns=(stamp, stamp))
    result = CliRunner().invoke(command, ARGUMENTS)
    assert result.exit_code == 1
    assert f"{CELLS} is not the one that dvc.lock names" in result.output
    assert f" -- {CELLS}    puts the recorded table back" in result.output
    assert notes(study) == []
    assert left(study) == []


@pytest.mark.parametrize(
    ("column", "forged"), [("mean", "99.5"), ("std", "0.2"), ("std_images", "0.3"), ("n", "3")]
)
def test_a_forged_number_does_not_follow_from_the_scores(study, column, forged):
    recorded, cell = md5_of(study, CELLS), the_cell(study)
    numbers = {name: getattr(cell, name) for name in NUMBERS[:-1]}  # the study's columns are of before
    rows = [",".join(["base,dino", *each.values()]) for each in (numbers, numbers | {column: forged})]
    replace(study, CELLS, *rows)
    replace(study, "dvc.lock", recorded, md5_of(study, CELLS))
    verdict = again(study)
    assert verdict.status == DIFFERENT
    assert f"{column} {numbers[column] or 'none'} instead of {forged}" in verdict.text
    assert (
        f"the chains part at {CELLS} (stage reporting_study): its row is not the one in {SCORES}"
        in verdict.text
    )


def test_a_forged_artefact_is_named_with_its_difference(study):
    value = (study / SAMPLES / "01.csv").read_text().split()[1]
    replace(study, f"{SAMPLES}/01.csv", value, str(float(value) + 0.5))
    for stage in ("evaluation@lego_robot-base", "reporting@lego_robot", "reporting_study"):
        repro(study, "--single-item", stage)
    subprocess.run([sys.executable, "-m", "dvc", "commit", "--force", "--quiet"], cwd=study, check=True)
    verdict = again(study)
    assert verdict.status == DIFFERENT
    parting = f"the chains part at {SAMPLES} (stage sampling_base@lego_robot-base): 1 of 2 files differ"
    assert f"{parting}; the first, 01.csv: numbers by up to 0.5 (row 1, value:" in verdict.text
    assert "(-0.15)" in verdict.text  # the cell's: 0.3 times the sample's


def test_other_numbers_on_the_same_machine_part_at_the_first_artefact_even_if_only_the_cache_has_it(
    study, monkeypatch
):
    shutil.rmtree(study / SAMPLES)
    monkeypatch.setenv("NOISE", "0.001")
    verdict = again(study)
    assert verdict.status == DIFFERENT
    assert f"{SAMPLES} (stage sampling_base@lego_robot-base): 2 of 2 files differ" in verdict.text
    assert "numbers by up to 0.001 " in verdict.text


def test_another_machine_s_numbers_are_compared_with_the_tolerance(study, monkeypatch):
    monkeypatch.setenv("PRETENDED_CPU", "another")
    verdict = again(study)
    assert verdict.status == EQUAL
    assert "reproduced to the last digit, on another machine" in verdict.text
    assert "machine: cpu: another here, A Processor in the record" in verdict.text

    monkeypatch.setenv("NOISE", "0.1")  # 0.3 of it, from each of two samples
    share = 0.06 / float(the_cell(study).mean)
    for tolerance, words in ((share * 1.01, "within"), (share * 0.99, "BEYOND")):
        verdict = again(study, tolerance)
        assert verdict.status == ELSEWHERE
        assert f"{words} the tolerance of {tolerance:g}" in verdict.text.splitlines()[0]
        assert "(+0.06)" in verdict.text
        assert "machine: cpu: another here, A Processor in the record" in verdict.text
        assert f"the chains part at {SAMPLES} " in verdict.text


def test_a_machine_that_the_record_no_longer_shows_counts_as_another(study, monkeypatch):
    (study / REPORT).unlink()
    shutil.rmtree(study / ".dvc/cache")
    monkeypatch.setenv("NOISE", "0.1")
    verdict = again(study)
    assert verdict.status == ELSEWHERE
    assert f"machine unknown: {REPORT} is not at hand as recorded" in verdict.text


def test_a_failing_stage_shows_the_end_of_its_log(study, monkeypatch):
    monkeypatch.setenv("NOISE", "loud")
    with pytest.raises(
        ProvenanceError, match=r"(?s)stage sampling_base@.* status 1.*ValueError: could not convert"
    ):
        again(study)
    assert left(study) == []


def test_a_record_of_two_runs_that_do_not_fit_is_refused(study):
    head, evaluation, rest = (study / "dvc.lock").read_text().partition("evaluation@lego_robot-base:")
    rest = rest.replace(md5_of(study, SAMPLES), "0" * 32 + ".dir", 1)
    (study / "dvc.lock").write_text(head + evaluation + rest)
    with pytest.raises(ProvenanceError, match=f"evaluation@lego_robot-base read {SAMPLES} with md5 0000"):
        again(study)
    assert notes(study) == []


def test_the_scratch_folder_can_be_kept(study, capsys):
    again(study, keep=True)
    [folder] = left(study)
    assert f"The scratch folder stays: {folder}" in capsys.readouterr().out
    assert (folder / "project" / SCORES).read_bytes() == (study / SCORES).read_bytes()


def test_a_scratch_folder_inside_the_project_is_refused(study, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(study / "data"))
    with pytest.raises(ProvenanceError, match="lies in the project"):
        again(study)


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name
)
def test_killed_in_the_middle_it_leaves_no_trace_and_no_process(study, number):
    before = snapshot(study)
    code = f"from hypnos_pipeline.commands.reproduce import reproduce; reproduce({ARGUMENTS})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=study, env=os.environ | {"RESTS": "sampling_base"}
    )
    wait_until(lambda: len(notes(study)) == 2)
    stage = int(notes(study)[1][1])
    assert psutil.pid_exists(stage)
    assert left(study)
    process.send_signal(number)
    assert process.wait(timeout=120) in (-number, 128 + number)
    wait_until(lambda: not psutil.pid_exists(stage) and not left(study))
    assert snapshot(study) == before


def wait_until(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
