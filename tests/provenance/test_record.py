"""Reading dvc.lock."""

from __future__ import annotations

import pytest

from hypnos_pipeline.errors import RecordError
from hypnos_pipeline.provenance.record import overlap, parse_record, read_record
from tests.provenance.small_study import IMAGING, MODEL, STUDY


def test_a_stage_is_read_whole(study):
    stage = read_record(study).stages["finetune_hypnos@lego_robot-hypnos"]
    assert stage.cmd.startswith("cp -r data/02_intermediate/mini/lego_robot/working_photos ")
    assert set(stage.deps) == {
        "data/02_intermediate/mini/lego_robot/working_photos",
        MODEL,
        IMAGING,
    }
    [(file, keys)] = stage.params.items()
    assert file == STUDY
    # A number, although YAML 1.1 has 1e-05 for a text.
    assert keys["methods.hypnos.hypnos"] == {"learning_rate": 1e-5, "steps": 4}
    [out] = stage.outs.values()
    assert (out.path, out.nfiles, out.is_folder) == (
        "data/06_models/mini/lego_robot/hypnos/finetuned",
        4,
        True,
    )


@pytest.mark.parametrize(
    ("path", "producers"),
    [
        ("data/07_model_output/mini/chair/samples/base", ["sampling_base@chair-base"]),
        ("data/07_model_output/mini/chair/samples/base/config.json", ["sampling_base@chair-base"]),
        (
            "data/07_model_output/mini/chair/samples",
            ["sampling_hypnos@chair-hypnos", "sampling_base@chair-base"],
        ),
        ("data/07_model_output/mini/chair/samples/bas", []),
        ("data/01_raw/subjects/chair", []),
    ],
)
def test_producers_wrote_it_or_something_in_it_or_what_it_lies_in(study, path, producers):
    found = [stage.name for stage in read_record(study).producers(path)]
    assert sorted(found) == sorted(producers)


def test_overlap_is_of_whole_names():
    assert overlap("a/b", "a/b")
    assert overlap("a", "a/b")
    assert overlap("a/b", "a/")
    assert not overlap("a/b", "a/bc")


@pytest.mark.parametrize(
    "text",
    ["<<<<<<< ours\n", "- a list\n", "stages: {a: {deps: [{path: x}]}}", "stages: {a: {cmd: x, deps: [1]}}"],
)
def test_a_broken_lock_is_refused_with_its_name(text):
    with pytest.raises(RecordError, match=r"dvc\.lock"):
        parse_record(text)


def test_an_empty_lock_records_nothing():
    assert parse_record("schema: '2.0'\n").stages == {}
