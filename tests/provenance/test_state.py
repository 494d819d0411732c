"""What on disk no longer matches the record, for each kind of thing."""

from __future__ import annotations

import shutil

import pytest

from hypnos_pipeline.provenance.parameters import ABSENT, changes, current, leaves
from tests.provenance.small_study import CELLS, IMAGING, MODEL, PHOTOS, STUDY, git, replace, repro, write

FINETUNED = "data/06_models/mini/lego_robot/hypnos/finetuned"
SAMPLES = "data/07_model_output/mini/lego_robot/samples"


def found(traced) -> dict[str, str]:
    """What has changed by the trace: name → how."""
    return {each.name: each.status for each in traced().state.differences}


def test_an_untouched_study_is_as_recorded(traced):
    assert found(traced) == {}


def test_touching_without_changing_is_no_change(study, traced):
    write(study, f"{PHOTOS}/00.jpg", (study / PHOTOS / "00.jpg").read_text())
    assert found(traced) == {}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (f"{PHOTOS}/01.jpg", PHOTOS),
        (f"{MODEL}/vae/weights.safetensors", MODEL),
        (f"{IMAGING}/square.py", IMAGING),
        ("requirements.lock", "requirements.lock"),
        (CELLS, CELLS),
        (f"{FINETUNED}/00.jpg", FINETUNED),
    ],
)
def test_a_changed_file_is_seen(study, traced, file, name):
    write(study, file, (study / file).read_text() + "\n")
    assert found(traced) == {name: "changed"}


@pytest.mark.parametrize("name", [PHOTOS, "requirements.lock", FINETUNED])
def test_what_is_missing_is_seen(study, traced, name):
    path = study / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert found(traced) == {name: "missing"}


def test_changes_elsewhere_do_not_concern_the_cell(study, traced):
    write(study, "data/01_raw/subjects/chair/00.jpg", "another")
    write(study, "data/02_intermediate/mini/chair/working_photos/00.jpg", "another")
    replace(study, STUDY, "seed: 42", "seed: 43")
    assert found(traced) == {}


def test_the_photos_that_differ_are_named_from_git(study, traced):
    recorded = {path.name: path for path in (study / PHOTOS).glob("*.jpg")}
    write(study, f"{PHOTOS}/00.jpg", "another")
    (study / PHOTOS / "masks/00.png").unlink()
    write(study, f"{PHOTOS}/02.jpg", "one more")
    trace = traced()
    [difference] = trace.state.differences
    assert difference.files == {"00.jpg": "changed", "masks/00.png": "missing", "02.jpg": "new"}
    [state] = [state for each, state in trace.state.artefacts.items() if each.path == PHOTOS]
    assert state.known_from == "git"
    assert set(state.files) == {*recorded, "masks/00.png"}


def test_the_files_of_an_out_are_named_from_the_cache(study, traced):
    write(study, f"{SAMPLES}/hypnos/00.jpg", "another")
    by_name = {each.name: each for each in traced().state.differences}
    assert by_name[f"{SAMPLES}/hypnos"].files == {"00.jpg": "changed"}
    assert SAMPLES not in by_name  # all methods' samples, which the subject's report reads


def test_files_that_nobody_knows_any_more_are_not_made_up(study, traced):
    shutil.rmtree(study / ".git")
    write(study, f"{PHOTOS}/00.jpg", "another")
    [difference] = traced().state.differences
    assert (difference.status, difference.files) == ("changed", {})


def test_a_stage_that_ran_again_alone_supersedes_what_others_read(study, traced):
    write(study, f"{PHOTOS}/00.jpg", "another")
    repro(study, "--single-item", "background_removal@lego_robot")
    statuses = {(each.name, each.status) for each in traced().state.differences}
    working_photos = "data/02_intermediate/mini/lego_robot/working_photos"
    assert (working_photos, "superseded") in statuses
    assert PHOTOS not in {name for name, _ in statuses}


@pytest.mark.parametrize(
    ("old", "new", "name", "status", "recorded", "now"),
    [
        ("steps: 4", "steps: 5", "methods.hypnos.hypnos.steps", "changed", 4, 5),
        ("1.0e-5", "2.0e-5", "methods.hypnos.hypnos.learning_rate", "changed", 1e-5, 2e-5),
        (", steps: 4", "", "methods.hypnos.hypnos.steps", "missing", 4, None),
        ("steps: 4", "steps: 4, width: 8", "methods.hypnos.hypnos.width", "new", None, 8),
    ],
)
def test_a_parameter_is_compared_leaf_by_leaf(study, traced, old, new, name, status, recorded, now):
    replace(study, STUDY, old, new)
    [difference] = traced().state.differences
    assert difference.name == f"{STUDY}:{name}"
    assert (difference.status, difference.recorded, difference.current) == (status, recorded, now)


def test_writing_a_number_otherwise_is_no_change(study, traced):
    replace(study, STUDY, "1.0e-5", "0.00001")
    assert found(traced) == {}


def test_a_lost_parameter_file_misses_every_parameter(study, traced):
    (study / STUDY).rename(study / STUDY.replace("mini", "paper"))
    write(study, STUDY, "{}\n")
    assert set(found(traced).values()) == {"missing"}
    assert f"{STUDY}:runtime.threads" in found(traced)


def test_code_has_its_newest_commit_or_none(study, traced):
    commits = {each.path: commit for each, commit in traced().commits.items()}
    assert commits[IMAGING] == git(study, "rev-parse", "HEAD")
    git(study, "commit", "--quiet", "--allow-empty", "--message", "Nothing")
    commits = {each.path: commit for each, commit in traced().commits.items()}
    assert commits[IMAGING] == git(study, "rev-parse", "HEAD")
    shutil.rmtree(study / ".git")
    assert set(traced().commits.values()) == {None}


def test_leaves_of_parameters():
    nested = {"a.b": {"c": 1, "d": {}}, "e": [1, {"f": 2}], "g": None}
    assert leaves(nested) == {"a.b.c": 1, "a.b.d": {}, "e": [1, {"f": 2}], "g": None}
    assert changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 3}}) == {
        "a.c": (2, ABSENT),
        "a.d": (ABSENT, 3),
    }


def test_null_is_not_absent(study):
    write(study, STUDY, "a: {b: null}\n")
    assert current(study, STUDY, {"a.b": None, "a.c": None}) == {"a.b": None}
