"""What a run costs and how long it takes: from the study's counts, and from what earlier runs took."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import pytest
import yaml
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline, node

from hypnos_pipeline.running import timings
from hypnos_pipeline.running.board import Board
from hypnos_pipeline.running.costs import cost, costs, makespan, remaining_paths
from hypnos_pipeline.study.loading import StudyConfigLoader
from hypnos_pipeline.study.model import Study

TRAINING = "lego_robot.hypnos.finetune"


def passes(*inputs: str) -> str:
    return "".join(inputs)


def step(name: str, *inputs: str):
    """A node that reads what others of these names wrote."""
    return node(passes, list(inputs) or ["start"], name, name=name)


FORK = Pipeline([step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"), step("alone")])
SECONDS = {"a": 1.0, "b": 4.0, "c": 2.0, "d": 3.0, "alone": 6.0}


def test_the_longest_path_and_how_long_some_workers_need():
    assert remaining_paths(FORK, SECONDS) == {"a": 8.0, "b": 7.0, "c": 5.0, "d": 3.0, "alone": 6.0}
    assert [makespan(FORK, SECONDS, workers) for workers in (1, 2, 3)] == [16.0, 10.0, 8.0]


@pytest.fixture
def study(project_root) -> dict:
    return yaml.safe_load((project_root / "conf/mini/parameters_study.yml").read_text())


@pytest.fixture
def full(project_root) -> Pipeline:
    bootstrap_project(project_root)
    StudyConfigLoader(str(project_root / "conf"), env="mini", base_env="base")  # whatever was in use before
    return pipelines["full"]


def test_twice_the_steps_cost_twice_and_every_node_costs_something(study, full):
    by_name = {each.name: each for each in full.nodes}
    seconds = costs(full, Study.from_parameters(study))
    assert min(seconds.values()) > 0
    assert max(seconds, key=seconds.__getitem__).endswith(".hypnos.finetune")
    long = copy.deepcopy(study)
    long["methods"]["hypnos"]["hypnos"] |= {"steps": 720, "previews": {"every": 0}}
    short = copy.deepcopy(long)
    short["methods"]["hypnos"]["hypnos"]["steps"] = 360
    once, twice = (cost(by_name[TRAINING], Study.from_parameters(each)) for each in (short, long))
    assert twice == pytest.approx(2 * once, rel=0.02)


def test_what_nodes_took_makes_the_next_estimate(tmp_path, study, full):
    study = Study.from_parameters(study)
    before = timings.expected(full, study, timings.known(tmp_path, "mini"))
    board = Board({})
    board.seconds = {TRAINING: 3 * before[TRAINING], "figurine.hypnos.finetune": 1.0, "write_tables": 99.0}
    board.resumed = {"figurine.hypnos.finetune"}
    timings.remember(tmp_path, "mini", full, study, board)
    known = timings.known(tmp_path, "mini")
    assert known == {"hypnos": pytest.approx(3.0)}
    after = timings.expected(full, study, known)
    assert after["rattan_chair.hypnos.finetune"] == pytest.approx(3 * before["rattan_chair.hypnos.finetune"])
    (tmp_path / "data/timings/mini.json").write_text("no JSON")
    assert timings.known(tmp_path, "mini") == {}
    timings.remember(tmp_path, "mini", full, study, board)  # written anew
    assert timings.known(tmp_path, "mini") == known


def test_the_speed_of_a_machine_is_that_of_one_thread():
    """More threads wait for each other beside other work: hundreds of times too slow was measured."""
    script = (
        "import time; from hypnos_pipeline.running.timings import speed; speed();"
        "both = time.process_time(), time.thread_time(); speed();"
        "print((time.process_time() - both[0]) / (time.thread_time() - both[1]))"
    )
    two = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    ended = subprocess.run(
        [sys.executable, "-c", script], env=two, capture_output=True, text=True, check=True
    )
    assert float(ended.stdout) < 1.5  # two threads: 2
