"""Pipelines are built from the study; listing them imports no heavy library."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import pytest
import yaml
from kedro.pipeline import Node, Pipeline

from hypnos_pipeline.pipeline_registry import STAGES
from hypnos_pipeline.study.consistency import SHARED_STAGES
from hypnos_pipeline.study.model import Study

LISTING = """
import json, sys
from hypnos_pipeline.pipeline_registry import register_pipelines
names = sorted(register_pipelines())
watched = ("torch", "diffusers", "transformers", "timm", "cv2", "matplotlib")
heavy = [name for name in watched if name in sys.modules]
print(json.dumps([names, heavy]))
"""


@pytest.fixture
def study(project_root):
    return yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())


def build(parameters):
    study = Study.from_parameters(parameters)
    return {name: stage.create_pipeline(study) for name, stage in STAGES.items()}


def test_listing_is_complete_and_light(project_root):
    output = subprocess.run(
        [sys.executable, "-c", LISTING], cwd=project_root, check=True, capture_output=True, text=True
    ).stdout
    names, heavy = json.loads(output.splitlines()[-1])
    assert set(names) == {*STAGES, "miniworld", "full", "__default__"}
    assert heavy == []


@pytest.mark.parametrize("name", [*STAGES, "full"])
def test_twice_the_subjects_are_twice_the_work(study, monkeypatch, name):
    """Counted, since time depends on what else the machine does: nodes gone through, and names hashed.

    Slices added up one by one would be quadratic, and so would the study's nodes, which read some of every
    subject, if they were hashed again for each.
    """
    work, make, hashed = [], Pipeline.__init__, Node.__hash__

    def counted_make(self, nodes, **options):
        make(self, nodes, **options)
        work[-1] += len(self.nodes)

    def counted_hash(self):
        work[-1] += len(self.inputs)
        return hashed(self)

    monkeypatch.setattr(Pipeline, "__init__", counted_make)
    monkeypatch.setattr(Node, "__hash__", counted_hash)
    stages = [*STAGES.values()] if name == "full" else [STAGES[name]]
    for count in (10, 20):
        subjects = {f"mug_{n}": {"noun": "mug", "photos": f"mug_{n}"} for n in range(count)}
        own = Study.from_parameters(study | {"subjects": subjects})
        work.append(0)
        Pipeline([stage.create_pipeline(own) for stage in stages])
    assert work[1] <= 2 * work[0]


def test_namespaces_are_subjects_with_stages_and_methods(study):
    full = Pipeline(list(build(study).values()))
    methods = [name for family in study["methods"].values() for name in family]
    namespaces = {node.namespace for node in full.nodes if node.namespace}
    parts = [*SHARED_STAGES, *methods]
    assert namespaces == {f"{subject}.{part}" for subject in study["subjects"] for part in parts}
    of_one = full.only_nodes_with_namespaces(["lego_robot"])
    assert len(of_one.nodes) * len(study["subjects"]) == len([node for node in full.nodes if node.namespace])


def test_a_method_may_not_have_a_stages_name(study):
    study["methods"]["base"] = {"augmentation": {}}
    (problem,) = Study.problems(study)
    assert "methods: augmentation is a stage's name" in str(problem)


def test_a_new_subject_and_a_new_method_are_one_entry_each(study):
    before = {name: len(pipeline.nodes) for name, pipeline in build(study).items()}
    grown = copy.deepcopy(study)
    grown["subjects"]["mug"] = {"noun": "mug", "photos": "mug"}
    grown["methods"]["hypnos"]["hypnos_no_perceptual"] = {
        "learning_rate": 1e-4, "steps": 10, "weights": {"perceptual": 0.0},
    }  # fmt: skip
    after = {name: len(pipeline.nodes) for name, pipeline in build(grown).items()}
    assert after["finetune"] == before["finetune"] / 3 * 4 + 4
    assert after["background_removal"] == before["background_removal"] / 3 * 4


def test_the_only_outside_inputs_are_raw_photos_known_masks_findings_and_parameters(study):
    full = Pipeline(list(build(study).values()))
    outside = {name for name in full.inputs() if not name.startswith(("params:", "parameters"))}
    photos = {f"{subject}.photos" for subject in study["subjects"]}
    assert outside == {"truth", "recorded_findings", *photos}


def test_only_the_evaluation_and_the_page_read_the_truth(study):
    """The true masks would help every stage before it; then nothing could be measured against them."""
    readers = {}
    for name, pipeline in build(study).items():
        for node in pipeline.nodes:
            for leaf in {each.rpartition(".")[2] for each in node.inputs}:
                readers.setdefault(leaf, set()).add((name, node.func.__name__))
    truth = {("background_removal", name) for name in ("cut_truth", "read_unseen_views")}
    assert readers["truth"] == truth
    assert readers["unseen_photos"] == {("evaluation", "evaluate")}
    shown_too = {("evaluation", "evaluate"), ("reporting", "gather_subject")}
    assert readers["true_mattes"] == readers["true_foregrounds"] == shown_too
