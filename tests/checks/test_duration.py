"""How long a study takes is said beforehand, and from what that was estimated."""

from __future__ import annotations

import json
import re

import click
import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline

from hypnos_pipeline.checks import duration
from hypnos_pipeline.checks.duration import EMBEDDED, AnnouncedDuration, describe_duration, relative_cost
from hypnos_pipeline.checks.sizes import NetworkSizes
from hypnos_pipeline.running import timings
from hypnos_pipeline.study.loading import StudyConfigLoader, current_parameters

RUN = {"env": "mini", "runner": "hypnos_pipeline.running.dask_runner.DaskRunner"}


@pytest.fixture
def full(project_root, monkeypatch) -> Pipeline:
    """The embedded default's pipeline, on a machine as fast as the one that its costs were measured on."""
    bootstrap_project(project_root)
    StudyConfigLoader(str(project_root / "conf"), env="mini", base_env="base")  # whatever was in use before
    monkeypatch.setattr(timings, "speed", lambda: 1.0)
    monkeypatch.chdir(project_root)
    return pipelines["full"]


def test_a_first_estimate_comes_from_the_processor_and_the_next_from_what_was_timed(full, tmp_path):
    alone, text = describe_duration(full, current_parameters(), tmp_path, "mini", workers=1)
    two, _ = describe_duration(full, current_parameters(), tmp_path, "mini", workers=2)
    assert alone / two == pytest.approx(2, rel=0.1)
    assert re.fullmatch(r"about \d+ minutes with 1 process \(estimate, from the speed of this .*\)", text)

    (tmp_path / timings.FOLDER).mkdir(parents=True)
    kinds = dict.fromkeys(["hypnos", "dreambooth"], 10.0)
    (tmp_path / timings.FOLDER / "mini.json").write_text(json.dumps({timings.processor(): kinds}))
    slower, text = describe_duration(full, current_parameters(), tmp_path, "mini", workers=1)
    assert slower == pytest.approx(10 * alone)
    assert text.endswith("with 1 process (estimate, from earlier runs here)")


def test_more_processes_than_there_is_work_are_not_announced(full, tmp_path):
    one = Pipeline([node for node in full.nodes if node.name == "lego_robot.hypnos.finetune"])
    assert "with 1 process (" in describe_duration(one, current_parameters(), tmp_path, "mini")[1]


def test_other_networks_cost_by_their_parameters_and_latents():
    assert relative_cost(EMBEDDED, 64) == 1
    assert relative_cost(NetworkSizes(), 512) == pytest.approx(16 * 859_520_964 / EMBEDDED.unet)


def test_only_kedro_run_announces_and_only_what_takes_over_a_minute(full, tmp_path, capsys, monkeypatch):
    hook, run = AnnouncedDuration(), RUN | {"project_path": tmp_path}
    hook.before_pipeline_run(run, full)  # a notebook
    assert capsys.readouterr().err == ""
    with click.Context(click.Command("run")).scope():
        hook.before_pipeline_run(run, full)
        assert re.match(r"This takes about \d+ minutes with \d+ process", capsys.readouterr().err)
        monkeypatch.setattr(duration, "WORTH_SAYING", 1e6)
        hook.before_pipeline_run(run, full)
        assert capsys.readouterr().err == ""
