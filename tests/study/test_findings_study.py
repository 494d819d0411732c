"""The findings' study: `mini` is the first training of its sets in one place."""

from __future__ import annotations

import pytest
import yaml
from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.errors import StudyError
from hypnos_pipeline.pipeline_registry import STAGES
from hypnos_pipeline.study.model import Study

TRAININGS = {"trainings", "further_trainings"}
EQUAL_STEPS = "_equal_steps"
"""Ends the names of what `mini` does not have: DreamBooth at both rates, on HYPNOS's budget."""
COLLECTED = {"reporting"}
"""Stages whose nodes read all trainings."""


@pytest.fixture(scope="module")
def files(project_root) -> dict[str, dict]:
    folder = project_root / "conf"
    return {
        env: yaml.safe_load((folder / env / "parameters_study.yml").read_text(encoding="utf-8"))
        for env in ("mini", "mini_findings")
    }


def nodes(parameters: dict) -> dict[str, Node]:
    study = Study.from_parameters(parameters)
    stages = [stage.create_pipeline(study) for name, stage in STAGES.items() if name not in COLLECTED]
    return {node.name: node for node in Pipeline(stages).nodes}


def test_all_settings_but_trainings_and_subjects_are_those_of_mini(files):
    mini, findings = files["mini"], files["mini_findings"]
    assert (mini["trainings"], findings["trainings"]) == (1, 8)
    varied = {*TRAININGS, "subjects", "methods"}
    mini["evaluation"].pop("findings", None)  # the environment whose findings the page shows
    assert {key: value for key, value in findings.items() if key not in varied} == {
        key: value for key, value in mini.items() if key not in varied
    }
    dreambooth = findings["methods"]["dreambooth"]
    own = {name + EQUAL_STEPS for name in mini["methods"]["dreambooth"]}
    shared = {name: each for name, each in dreambooth.items() if name not in own}
    assert findings["methods"] | {"dreambooth": shared} == mini["methods"]
    in_one_place = {name: each for name, each in findings["subjects"].items() if each["kind"] == "one_place"}
    assert in_one_place == mini["subjects"]
    others = {name for name in findings["subjects"] if name not in in_one_place}
    assert others == {f"{name}_places" for name in in_one_place}
    for name, subject in in_one_place.items():
        folders = {"photos": f"{name}_places", "true_masks": f"{name}_places"}
        expected = subject | folders | {"kind": "several_places"}
        assert findings["subjects"][f"{name}_places"] == expected


@pytest.mark.parametrize("name", ["dreambooth_low_lr", "dreambooth_high_lr"])
def test_dreambooth_is_also_trained_on_hypnoss_budget(files, name):
    methods = files["mini_findings"]["methods"]
    hypnos, best = methods["hypnos"]["hypnos"], methods["dreambooth"][name]
    equal = dict(methods["dreambooth"][name + EQUAL_STEPS])
    budget = {key: hypnos[key] for key in ("steps", "instance_batch", "class_batch")}
    assert equal.pop("label")
    assert equal == best | budget
    assert equal["steps"] > best["steps"]


def test_mini_is_the_first_training(files):
    """Equal nodes of equal parameters draw the same: every draw derives from these alone."""
    mini, findings = nodes(files["mini"]), nodes(files["mini_findings"])
    for name, node in mini.items():
        same = findings[name]
        assert (node.inputs, node.outputs) == (same.inputs, same.outputs)
        assert (node.func.__name__, getattr(node.func, "keywords", {})) == (
            same.func.__name__, getattr(same.func, "keywords", {}),
        )  # fmt: skip
    further = [
        name
        for name in findings
        if name.startswith("figurine.") and name not in mini and EQUAL_STEPS not in name
    ]
    assert all(".training_" in name for name in further)
    assert len(further) == 7 * (2 + 4 + 5 + 5)  # discriminator, finetunings, samples and measures of methods


def test_a_further_training_reads_what_all_share_and_its_own_discriminator(files):
    finetune = nodes(files["mini_findings"])["figurine.hypnos.training_3.finetune"]
    assert {"figurine.latents", "figurine.pool", "figurine.training_3.discriminator_weights"} < {
        *finetune.inputs
    }
    assert getattr(finetune.func, "keywords", {}) == {"training": 3}
    assert finetune.tags == {"training_3"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trainings": 3}, r"further_trainings: \[\], but trainings is 3; expected \[2, 3\]"),
        ({"further_trainings": [2]}, r"further_trainings: \[2\], but trainings is 1; expected \[\]"),
        ({"trainings": 0}, "trainings"),
    ],
)
def test_trainings_and_their_numbers_must_agree(files, changed, message):
    with pytest.raises(StudyError, match=message):
        Study.from_parameters(files["mini"] | changed)


def test_a_method_may_not_be_named_as_a_training_is(files):
    methods = files["mini"]["methods"]
    methods = methods | {"base": {"training_2": {}}}
    with pytest.raises(StudyError, match="methods: training_2 is the name of a training"):
        Study.from_parameters(files["mini"] | {"methods": methods})
