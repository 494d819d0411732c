"""A run tracks its trainings where the setting requests it, and no stage depends on the setting."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from hypnos_pipeline.pipelines.finetune.nodes import dreambooth
from hypnos_pipeline.pipelines.sampling.nodes import sample_base
from hypnos_pipeline.running.tracking import TRAININGS, Tracking
from hypnos_pipeline.study.loading import StudyConfigLoader
from hypnos_pipeline.training import tracking


class Loader(dict):
    """Stands for Kedro's, of which there can be one at a time."""


@pytest.fixture
def newest(tmp_path, monkeypatch):
    """The configuration in use, with event files requested."""
    loader = Loader(parameters={"tracking": {"tensorboard": True}})
    loader.conf_source, loader.env = str(tmp_path / "conf"), "mini"
    monkeypatch.setattr(StudyConfigLoader, "newest", loader)
    return loader


def folder_of(function) -> object:
    """Returns where a node's training would be tracked."""
    hook = Tracking()
    hook.before_node_run(SimpleNamespace(func=function, name="mug.dreambooth.finetune"))
    found = tracking._folder.get()
    hook.after_node_run()
    assert tracking._folder.get() is None
    return found


def test_trainings_have_a_folder_of_their_own(newest, tmp_path):
    assert folder_of(dreambooth) == tmp_path / "data/tensorboard/mini/mug/dreambooth/finetune"
    assert folder_of(sample_base) is None
    newest["parameters"] = {"tracking": {"tensorboard": False}}
    assert folder_of(dreambooth) is None


def test_no_node_reads_the_setting_and_every_training_is_known(project_root):
    bootstrap_project(project_root)
    StudyConfigLoader(str(project_root / "conf"), env="mini", base_env="base")  # whatever was in use before
    nodes = pipelines["full"].nodes
    assert [each.name for each in nodes if "params:tracking" in each.inputs] == []
    assert set(TRAININGS) <= {each.func.__name__ for each in nodes}
