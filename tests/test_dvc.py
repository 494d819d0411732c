"""dvc.yaml: every stage runs a slice that exists, and its head alone names the environment."""

from __future__ import annotations

import re

import pytest
import yaml

from hypnos_pipeline.pipeline_registry import register_pipelines


@pytest.fixture(scope="module")
def stages(project_root):
    from dvc.repo import Repo

    with Repo(str(project_root)) as repo:
        return list(repo.index.stages)


def test_stage_names_follow_the_contract(stages):
    pattern = re.compile(r"^([a-z_]+)@([a-z][a-z0-9_]*)(-[a-z][a-z0-9_]*)?$|^reporting[a-z_]*$")
    assert [stage.name for stage in stages if not pattern.match(stage.name)] == []
    assert len(stages) <= 60


def test_every_stage_runs_a_slice_that_exists(stages):
    pipelines = register_pipelines()
    for stage in stages:
        options = dict(re.findall(r"--(\w+)=(\S+)", stage.cmd))
        chosen = pipelines[options["pipelines"]]
        if "namespaces" in options:
            chosen = chosen.filter(node_namespaces=[options["namespaces"]])
        if "tags" in options:
            chosen = chosen.only_nodes_with_tags(options["tags"])
        assert chosen.nodes, stage.name


def test_the_stages_name_no_environment(project_root):
    text = (project_root / "dvc.yaml").read_text()
    head, body = text.split("\nstages:")
    assert "mini" in head
    assert "mini" not in body
    assert yaml.safe_load(text)["vars"][0] == {"env": "mini"}
