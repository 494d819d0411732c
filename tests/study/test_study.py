"""The study's configuration: wrong keys are refused by name, all at once."""

from __future__ import annotations

import copy

import pytest
import yaml

from hypnos_pipeline.errors import StudyError
from hypnos_pipeline.study.model import Study


@pytest.fixture
def parameters(project_root):
    return yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())


def test_the_default_study_keeps_its_floors(parameters):
    study = Study.from_parameters(parameters)
    assert list(study.subjects) == ["figurine", "rattan_chair", "lego_robot"]
    assert [name for _, name in study.entries()] == [
        "hypnos", "dreambooth_low_lr", "dreambooth_high_lr", "textual_inversion", "base",
    ]  # fmt: skip
    tabled = ("invariant", "varying", "backgrounds")
    assert min(study.prompt_sets[name].images for name in tabled) >= 16
    trained = [method for family, name in study.entries() if family != "base"
               for method in [getattr(study.methods, family)[name]]]  # fmt: skip
    assert all(method.steps >= 120 for method in trained)
    assert study.discriminator.steps >= 150
    hypnos = study.methods.hypnos["hypnos"]
    assert 0 < hypnos.perceptual_steps() < hypnos.steps
    weights = hypnos.weights
    assert min(weights.reconstruction, weights.prior, weights.perceptual, weights.discriminator) > 0


def test_every_wrong_key_is_named_at_once(parameters):
    wrong = copy.deepcopy(parameters)
    wrong["methods"]["hypnos"]["hypnos"]["learning_rat"] = 1.0
    wrong["subjects"]["lego-robot"] = wrong["subjects"].pop("lego_robot")
    wrong["prompt_sets"]["invariant"]["images"] = -1
    wrong["colour"] = "red"
    with pytest.raises(StudyError) as error:
        Study.from_parameters(wrong)
    message = str(error.value)
    for part in ("learning_rat", "lego-robot", "prompt_sets.invariant", "images", "colour"):
        assert part in message


def test_checkpoints_are_checked_with_the_study(parameters):
    assert Study.problems(parameters | {"checkpoints": {"every_seconds": None, "every_steps": 50}}) == []
    wrong = parameters | {"checkpoints": {"every_second": 60, "every_steps": 0}, "colour": "red"}
    problems = " ".join(map(str, Study.problems(wrong)))
    for part in ("checkpoints.every_second: unknown key", "checkpoints.every_steps", "colour"):
        assert part in problems


def test_methods_of_two_families_may_not_share_a_name(parameters):
    parameters["methods"]["base"]["hypnos"] = {}
    with pytest.raises(StudyError, match="hypnos"):
        Study.from_parameters(parameters)


@pytest.mark.parametrize("folder", ["figurine", "My mug, é"])
def test_a_subject_may_use_any_folder_of_photos(parameters, folder):
    parameters["subjects"]["again"] = parameters["subjects"]["figurine"] | {"photos": folder}
    assert Study.from_parameters(parameters).photo_owner("again") == folder
