"""The stages and inputs behind one cell, and no others."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from hypnos_pipeline.errors import StudyNotRun
from hypnos_pipeline.provenance.lineage import lineage, recorded_lineage
from hypnos_pipeline.provenance.record import Record, Recorded, StageRecord, read_record
from tests.provenance.small_study import STUDY, the_cell


def test_stages_come_after_those_they_read_from(study):
    _, found = recorded_lineage(study, the_cell(study, "hypnos"))
    assert [stage.name for stage in found.stages] == [
        "background_removal@lego_robot",
        "class_prior@lego_robot",
        "finetune_hypnos@lego_robot-hypnos",
        "sampling_hypnos@lego_robot-hypnos",
        "evaluation@lego_robot-hypnos",
        "reporting@lego_robot",
        "reporting_study",
    ]
    assert found.table == found.stages[-1].outs["data/08_reporting/mini/cells.csv"]


def test_the_base_model_needs_no_finetuning(study):
    _, found = recorded_lineage(study, the_cell(study, "base", "chair"))
    assert {stage.name for stage in found.stages} == {
        "background_removal@chair",
        "sampling_base@chair-base",
        "evaluation@chair-base",
        "reporting@chair",
        "reporting_study",
    }


def test_shared_folders_are_followed_for_this_cell_only(study):
    _, found = recorded_lineage(study, the_cell(study, "hypnos"))
    [samples] = [
        each for each in found.inputs["reporting@lego_robot"] if each.recorded.path.endswith("/samples")
    ]
    assert samples.producers == ("sampling_hypnos@lego_robot-hypnos",)
    assert samples.others == 1
    [scores] = found.inputs["reporting_study"]
    assert (scores.producers, scores.others) == (("reporting@lego_robot",), 1)


def test_every_input_has_its_kind(study):
    _, found = recorded_lineage(study, the_cell(study, "hypnos"))
    assert {each.recorded.path: each.kind for each in found.sources()} == {
        "data/01_raw/subjects/lego_robot": "photo",
        "data/01_raw/models/mini/net": "model",
        "requirements.lock": "requirements",
        "src/hypnos_pipeline/imaging": "code",
        "src/hypnos_pipeline/metrics": "code",
    }


@pytest.mark.parametrize(
    ("named", "parts"),
    [
        ({"true_masks": "known", "unseen": None}, ("known/masks/",)),
        ({"true_masks": "a", "unseen": "b"}, ("a/masks/", "b/unseen/", "b/unseen_masks/")),
        ({"true_masks": None}, ()),
    ],
)
def test_true_masks_are_no_photos_and_only_the_subject_s_own_count(study, named, parts):
    record = read_record(study)
    stage = record.stages["background_removal@lego_robot"]
    truth = Recorded("data/01_raw/truth", "0" * 32 + ".dir", 1, 8)
    params = {STUDY: {"subjects": {"lego_robot": named}}}
    deps = {**stage.deps, truth.path: truth}
    record.stages[stage.name] = dataclasses.replace(stage, deps=deps, params=params)
    [masks] = [
        each for each in lineage(record, the_cell(study, "hypnos")).sources() if each.kind == "true mask"
    ]
    assert (masks.recorded, masks.parts) == (truth, parts)


def test_a_model_elsewhere_is_known_by_the_parameters(study):
    record = read_record(study)
    stage = record.stages["finetune_hypnos@lego_robot-hypnos"]
    deps = {**stage.deps, "downloads/sd15": Recorded("downloads/sd15", "0" * 32 + ".dir", 1, 1)}
    params = {STUDY: {"models": {"dino": {"folder": "downloads/sd15"}}}}
    record.stages[stage.name] = dataclasses.replace(stage, deps=deps, params=params)
    found = lineage(record, the_cell(study, "hypnos"))
    assert {e.kind for e in found.sources() if e.recorded.path == "downloads/sd15"} == {"model"}


def test_a_photo_folder_of_another_subject_is_followed_nowhere_else(study):
    """Two subjects may share photos; the folder has no producer, so nothing of the owner comes along."""
    record = read_record(study)
    stage = record.stages["background_removal@lego_robot"]
    photos = record.stages["background_removal@chair"].deps["data/01_raw/subjects/chair"]
    deps = {k: v for k, v in stage.deps.items() if "subjects" not in k} | {photos.path: photos}
    record.stages[stage.name] = dataclasses.replace(stage, deps=deps)
    found = lineage(record, the_cell(study, "hypnos"))
    assert not [stage.name for stage in found.stages if "chair" in stage.name]
    assert photos in [each.recorded for each in found.sources()]


@pytest.mark.parametrize("missing", ["reporting_study", "finetune_hypnos@lego_robot-hypnos"])
def test_a_stage_not_recorded_is_named_with_what_to_run(study, missing):
    lock = yaml.safe_load((study / "dvc.lock").read_text())
    del lock["stages"][missing]
    (study / "dvc.lock").write_text(yaml.safe_dump(lock))
    message = r"does not say which stage wrote data/0(6_models|8_reporting)"
    with pytest.raises(StudyNotRun, match=message) as caught:
        recorded_lineage(study, the_cell(study, "hypnos"))
    assert "kedro repro" in str(caught.value)


def test_without_a_lock_the_study_is_not_recorded(study):
    (study / "dvc.lock").unlink()
    with pytest.raises(StudyNotRun, match=r"there is no dvc\.lock") as caught:
        recorded_lineage(study, the_cell(study, "hypnos"))
    assert "dvc commit --force" in str(caught.value)


def test_the_other_methods_of_a_name_with_a_common_beginning_stay_out(study):
    """`hypnos` must not pull in `hypnos_no_psnr`, nor subject `lego` those of `lego_robot`."""
    record = read_record(study)
    path = "data/07_model_output/mini/lego_robot/samples/hypnos_no_psnr"
    outs = {path: Recorded(path, "0" * 32 + ".dir")}
    twin = StageRecord("sampling_hypnos@lego_robot-hypnos_no_psnr", "true", outs=outs)
    found = lineage(Record({**record.stages, twin.name: twin}), the_cell(study, "hypnos"))
    assert twin.name not in [stage.name for stage in found.stages]
