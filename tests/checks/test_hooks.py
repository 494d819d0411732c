"""Before any work: what a run reads is checked, no more, and every problem is listed at once."""

from __future__ import annotations

import copy

import pytest
import yaml
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from PIL import Image

from hypnos_pipeline.checks.hooks import StudyChecks
from hypnos_pipeline.checks.machine import tracking_problems
from hypnos_pipeline.datasets import FolderDataset, RawPhotosDataset
from hypnos_pipeline.errors import StudyError
from hypnos_pipeline.pipelines import background_removal
from hypnos_pipeline.study.loading import StudyConfigLoader
from hypnos_pipeline.study.model import Study

NETWORKS = [
    f"params:models.{name}"
    for name in ("text_to_image", "perceptual", "dino", "clip", "clip_b32", "inception", "lpips")
]


@pytest.fixture
def parameters(project_root, monkeypatch) -> dict:
    """What the checks take for the parameters in use; tests change them."""
    read = yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())
    monkeypatch.chdir(project_root)
    loader = StudyConfigLoader(str(project_root / "conf"), env="mini", base_env="base")
    loader["parameters"] = read
    monkeypatch.setattr(StudyConfigLoader, "newest", loader)
    return read


def check(*names: str, catalog: DataCatalog | None = None) -> None:
    """Checks a run that reads these datasets and parameters."""
    nodes = [node(print, name, None, name=f"node_{index}") for index, name in enumerate(names)]
    StudyChecks().before_pipeline_run(Pipeline(nodes), catalog or DataCatalog({}))


def test_unusable_photos_of_all_subjects_are_named_at_once(tmp_path, parameters):
    catalog = DataCatalog({})
    for subject in ("mug", "robot"):
        (tmp_path / subject).mkdir()
        (tmp_path / subject / "00.jpg").write_bytes(b"not a photo")
        Image.new("RGB", (8, 8), "red").save(tmp_path / subject / "01.png")
        catalog[f"{subject}.photos"] = RawPhotosDataset(filepath=str(tmp_path / subject))
    with pytest.raises(StudyError) as error:
        check("mug.photos", "robot.photos", catalog=catalog)
    named = [(problem.where, problem.what.partition(":")[0]) for problem in error.value.problems]
    for subject in ("mug", "robot"):
        assert {(str(tmp_path / subject), name) for name in ("00.jpg", "01.png")} <= set(named)


def test_slices_that_read_no_photos_are_not_checked_for_them(parameters):
    check("mug.pool")


def test_missing_networks_and_bad_words_are_named(parameters):
    check(*NETWORKS)
    valid = copy.deepcopy(parameters)
    parameters["subjects"]["figurine"]["instance_word"] = "hypnos"
    with pytest.raises(StudyError, match="hypnos"):
        check(*NETWORKS)
    parameters |= valid
    parameters["models"]["dino"] = {"folder": "data/01_raw/models/mini/none"}
    parameters["models"]["clip"] = {"folder": "data/01_raw/models/mini/nothing"}
    with pytest.raises(StudyError) as error:
        check(*NETWORKS)
    assert [problem.where for problem in error.value.problems] == ["models.clip", "models.dino"]


def test_a_network_that_the_slice_does_not_read_may_be_missing(parameters):
    parameters["models"]["perceptual"] = {"folder": "data/nowhere"}
    check("params:models.text_to_image", "params:models.dino")
    with pytest.raises(StudyError, match="data/nowhere"):
        check("params:models.perceptual")


def test_event_files_without_tensorboard_are_refused_by_name(parameters, monkeypatch):
    parameters["tracking"] = {"tensorboard": True}
    check(*NETWORKS)  # it is installed
    monkeypatch.setattr("hypnos_pipeline.checks.machine.find_spec", lambda name: None)
    with pytest.raises(StudyError) as error:
        check(*NETWORKS)
    (problem,) = error.value.problems
    assert str(problem).startswith(
        "tracking.tensorboard: true, but tensorboard is not installed; `pip install"
    )
    assert tracking_problems(parameters) == [problem]  # as the doctor lists it


@pytest.mark.parametrize(("subject", "found"), [("figurine", True), ("lego_robot", False)])
def test_photos_are_checked_for_the_subjects_that_the_run_reads_them_for(parameters, subject, found):
    parameters["subjects"]["figurine"]["exclude"] = ["99"]
    parameters["subjects"]["lego_robot"]["photos"] = "figurine"
    parameters["subjects"]["lego_robot"]["true_masks"] = "figurine"
    study = Study.from_parameters(parameters)
    pipeline = background_removal.create_pipeline(study).only_nodes_with_namespaces([subject])
    catalog = DataCatalog(
        {
            "figurine.photos": RawPhotosDataset(filepath="data/01_raw/subjects/figurine"),
            "truth": FolderDataset(filepath="data/01_raw/truth"),
        }
    )
    if not found:
        StudyChecks().before_pipeline_run(pipeline, catalog)
        return
    with pytest.raises(StudyError, match=r"subjects.figurine.exclude"):
        StudyChecks().before_pipeline_run(pipeline, catalog)
