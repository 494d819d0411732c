"""The default study learns its subjects. Takes many minutes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hypnos_pipeline.commands.miniworld import evaluate_study
from tests.end_to_end.shrunken import PROJECT_ROOT, make_project, opened, run

pytestmark = pytest.mark.long

SUBJECTS = ["figurine", "rattan_chair", "lego_robot"]


def what_is_measured(study: dict[str, Any]) -> dict[str, Any]:
    """Returns the default study without the method, and with few of the images, that no assertion reads."""
    del study["methods"]["dreambooth"]["dreambooth_low_lr"]
    for name, images in {"varying": 2, "backgrounds": 6, "disentangle": 2}.items():
        study["prompt_sets"][name]["images"] = images
    return study


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = make_project(tmp_path_factory.mktemp("study") / "mini", change=what_is_measured)
    run(made, pipeline_names=["full"])
    return made


@pytest.fixture(scope="module")
def measured(project):
    with opened(project) as session:
        context = session.load_context()
        measured = evaluate_study(PROJECT_ROOT, context.catalog, context.params)
    print(json.dumps(measured, indent=1))
    return measured


def mean_over_subjects(values) -> float:
    values = list(values)
    assert len(values) == len(SUBJECTS)
    return sum(values) / len(values)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("method", ["hypnos", "dreambooth_high_lr"])
def test_reaches_halfway_from_the_class_to_the_subject(measured, method, subject):
    """In each of five recorded trainings (docs/findings) both lie above the bar by 0.1 and more."""
    assert measured[subject]["methods"][method]["photos"] >= measured[subject]["bar"]


# On figurine and robot Textual Inversion ends below the base model: a known miss, see docs/tuning.md.
@pytest.mark.parametrize(
    ("method", "subject"),
    [*(("hypnos", subject) for subject in SUBJECTS), ("textual_inversion", "rattan_chair")],
)
def test_beats_the_base_model(measured, method, subject):
    methods = measured[subject]["methods"]
    assert methods[method]["photos"] > methods["base"]["photos"]


# The goal is 0.9 of unseen renders and fakes balanced, and photos in several places came near it. Photos in
# one place teach the discriminator little of other places: most unseen renders pass for fakes, and 0.62 was
# measured in the mean (docs/tuning.md).
def test_the_discriminator_knows_some_unseen_renders_from_fakes(measured):
    found = [subject["discriminator"] for subject in measured.values()]
    assert mean_over_subjects(each["balanced"] for each in found) > 0.52


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_discriminator_knows_every_kind_of_fake(measured, subject):
    kinds = set(measured[subject]["discriminator"]) - {"unseen", "balanced"}
    assert len(kinds) == 5
    assert min(measured[subject]["discriminator"][kind] for kind in kinds) >= 0.9


def test_the_perceptual_loss_acts_and_then_stops(project):
    reports = project / "data/07_model_output/mini/figurine/training_reports"
    report = json.loads((reports / "hypnos.json").read_text())
    assert 0 < report["perceptual_steps"] < report["steps"]
