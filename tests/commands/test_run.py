"""``kedro run``: Kedro's own options, and a runner that uses all cores by default."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from hypnos_pipeline.commands import run as module


@pytest.fixture
def chosen(monkeypatch) -> dict[str, Any]:
    """What Kedro's command is called with."""
    seen: dict[str, Any] = {}
    monkeypatch.setattr(module.kedro_run, "callback", lambda **options: seen.update(options))
    return seen


def test_the_default_runner_uses_all_cores_and_takes_workers(chosen):
    assert CliRunner().invoke(module.run, ["--pipelines=full", "--workers=3", "--env=paper"]).exit_code == 0
    assert chosen["runner"] == module.RUNNER
    assert chosen["runner_params"]["workers"] == 3
    assert (chosen["env"], chosen["pipelines"]) == ("paper", ["full"])


def test_kedro_s_own_runners_remain(chosen):
    options = ["--runner=ParallelRunner", "--runner-params=max_workers=2"]
    assert CliRunner().invoke(module.run, options).exit_code == 0
    assert (chosen["runner"], chosen["runner_params"]) == ("ParallelRunner", {"max_workers": 2})


def test_workers_belong_to_the_default_runner(chosen):
    refused = CliRunner().invoke(module.run, ["--runner=SequentialRunner", "--workers=2"])
    assert refused.exit_code == 2
    assert "--workers belongs to the default runner" in refused.output
    assert not chosen


def test_a_scheduler_s_workers_take_the_place_of_this_machine_s(chosen):
    assert CliRunner().invoke(module.run, ["--scheduler=tcp://host:8786"]).exit_code == 0
    assert chosen["runner_params"]["scheduler"] == "tcp://host:8786"
    chosen.clear()
    both = CliRunner().invoke(module.run, ["--scheduler=tcp://host:8786", "--workers=2"])
    other = CliRunner().invoke(module.run, ["--scheduler=tcp://host:8786", "--runner=SequentialRunner"])
    assert "--workers counts processes of this machine" in both.output
    assert "--scheduler belongs to the default runner" in other.output
    assert not chosen


def test_a_namespace_within_another_one_is_refused_by_name(chosen):
    assert CliRunner().invoke(module.run, ["--namespaces=figurine,lego_robot,figurine"]).exit_code == 0
    assert chosen.pop("namespaces") == ["figurine", "lego_robot"]
    chosen.clear()
    refused = CliRunner().invoke(module.run, ["--namespaces=lego_robot.hypnos,lego_robot"])
    assert refused.exit_code == 2
    assert "lego_robot.hypnos lies within lego_robot" in refused.output
    assert not chosen
