"""Before any work: photos, words and models are checked, and all faults come at once."""

from __future__ import annotations

import pytest
import yaml
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from PIL import Image

from hypnos_pipeline.datasets import RawPhotosDataset
from hypnos_pipeline.hooks import StudyChecks, model_faults
from hypnos_pipeline.study import Study, StudyError

NETWORKS = ["text_to_image", "perceptual", "dino", "clip", "inception", "lpips"]


def reading(*names: str) -> Pipeline:
    return Pipeline([node(print, name, None, name=name.replace(".", "_")) for name in names])


def test_faulty_photos_of_all_subjects_are_named_at_once(tmp_path):
    for subject in ("mug", "robot"):
        (tmp_path / subject).mkdir()
        (tmp_path / subject / "00.jpg").write_bytes(b"not a photo")
        Image.new("RGB", (8, 8), "red").save(tmp_path / subject / "01.png")
    catalog = DataCatalog(
        {
            f"{subject}.photos": RawPhotosDataset(filepath=str(tmp_path / subject))
            for subject in ("mug", "robot")
        }
    )
    with pytest.raises(StudyError) as error:
        StudyChecks().before_pipeline_run(reading("mug.photos", "robot.photos"), catalog)
    message = str(error.value)
    assert ["00.jpg" in part for part in message.split("photos in ")[1:]] == [True, True]
    assert str(tmp_path / "mug") in message
    assert str(tmp_path / "robot") in message


def test_slices_that_read_no_photos_are_not_checked_for_them():
    StudyChecks().before_pipeline_run(reading("mug.pool"), DataCatalog({}))


def test_missing_models_and_bad_words_are_named(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    parameters = yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())
    assert model_faults(Study.from_parameters(parameters), NETWORKS) == []
    parameters["subjects"]["figurine"]["instance_word"] = "hypnos"
    assert any("hypnos" in fault for fault in model_faults(Study.from_parameters(parameters), NETWORKS))
    parameters["models"]["dino"] = {"folder": "data/01_raw/models/mini/none"}
    parameters["models"]["clip"] = {"folder": "data/01_raw/models/mini/nothing"}
    (fault,) = model_faults(Study.from_parameters(parameters), NETWORKS)
    assert "models.dino" in fault
    assert "models.clip" in fault


def test_a_network_that_the_slice_does_not_read_may_be_missing(project_root, monkeypatch):
    monkeypatch.chdir(project_root)
    parameters = yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())
    parameters["models"]["perceptual"] = {"folder": "data/nowhere"}
    study = Study.from_parameters(parameters)
    assert model_faults(study, ["text_to_image", "dino"]) == []
    (fault,) = model_faults(study, ["perceptual"])
    assert "data/nowhere" in fault
