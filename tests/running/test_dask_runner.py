"""The runner of ``kedro run``: how many processes, and what happens when nodes fail or lose theirs."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.hooks.manager import _create_hook_manager, _register_hooks
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.json import JSONDataset

from hypnos_pipeline.errors import NodesFailed, RequestError
from hypnos_pipeline.running import capacity
from hypnos_pipeline.running.dask_runner import DaskRunner
from hypnos_pipeline.running.tasks import TRIES
from tests.conftest import PROJECT_ROOT


def double(number: int) -> int:
    return 2 * number


def process(*_: int) -> int:
    return os.getpid()


def refuse(number: int) -> int:
    raise RequestError(f"{number} is no good; expected 3")


def break_down(number: int) -> int:
    raise ZeroDivisionError(number)


def die_once(number: int, flag: str) -> int:
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 3 * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project as far as workers need one: configuration, no networks."""
    root = tmp_path_factory.mktemp("runner") / "project"
    shutil.copytree(PROJECT_ROOT / "conf", root / "conf")
    (root / "src").mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT_ROOT / name, root / name)
    return root


@pytest.fixture
def run(project, tmp_path, monkeypatch):
    """Runs nodes on files in a project, with the project's hooks of nodes; returns the catalog."""
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    from hypnos_pipeline.study.loading import StudyConfigLoader

    monkeypatch.chdir(project)
    bootstrap_project(project)
    StudyConfigLoader(str(project / "conf"), env="mini", base_env="base", default_run_env="mini")
    hooks = _create_hook_manager()
    _register_hooks(hooks, settings.HOOKS)

    def with_options(nodes: list[Any], in_memory: tuple[str, ...] = (), **options: Any) -> DataCatalog:
        pipeline = Pipeline(nodes)
        given = {"zero": 0, "params:one": 1, "params:flag": str(tmp_path / "flag")}
        datasets: dict[str, Any] = {name: MemoryDataset(value) for name, value in given.items()}
        for name in pipeline.all_outputs() - set(in_memory):
            datasets[name] = JSONDataset(filepath=(tmp_path / f"{name}.json").as_posix())
        catalog = DataCatalog(datasets)
        DaskRunner(**options).run(pipeline, catalog, hooks, "run")
        return catalog

    return with_options


CHAINS = [
    node(double, "params:one", "a1", name="mug.a1"),
    node(double, "a1", "a2", name="mug.a2"),
    node(process, "a2", "a3", name="mug.a3"),
    node(double, "params:one", "b1", name="hat.b1"),
    node(process, "b1", "b2", name="hat.b2"),
]
FAILING = [
    *CHAINS,
    node(refuse, "params:one", "c1", name="hat.c1"),
    node(double, "c1", "c2", name="hat.c2"),
    node(double, ["c2"], "c3", name="hat.c3"),
    node(break_down, "params:one", "d1", name="hat.d1"),
]
SAID = """\
hat.c1: 1 is no good; expected 3
hat.d1: ZeroDivisionError: 1 (its traceback is above)
{done} nodes are finished and kept; 2 that need what failed did not start. When this is fixed, go on with:
  kedro run --from-nodes=hat.c1,hat.d1"""


def test_what_does_not_need_a_failed_node_goes_on(run, caplog):
    with pytest.raises(NodesFailed) as raised:
        run(FAILING, workers=1)
    assert sorted(str(raised.value).splitlines()) == sorted(SAID.format(done="5 of 9").splitlines())
    assert "in break_down" in caplog.text  # the traceback of a mistake of ours
    assert "in refuse" not in caplog.text


def test_nodes_in_processes_end_alike_also_if_one_is_killed(run, tmp_path, caplog):
    dying = node(die_once, ["params:one", "params:flag"], "e1", name="mug.e1")
    with pytest.raises(NodesFailed) as raised:
        run([*FAILING, dying, node(double, "e1", "e2", name="mug.e2")], workers=2)
    assert sorted(str(raised.value).splitlines()) == sorted(SAID.format(done="7 of 11").splitlines())
    assert "in break_down" in caplog.text
    assert f"mug.e1: its process was killed; it starts again in another one (2 of {TRIES}" in caplog.text
    written = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("a3", "b2", "e2")}
    assert written["e2"] == 6
    assert os.getpid() not in {written["a3"], written["b2"]}


@pytest.mark.long
def test_a_node_that_loses_every_process_is_an_error_with_the_settings_that_help(run):
    with pytest.raises(NodesFailed) as raised:
        run([node(die, "params:one", "f1", name="mug.f1"), CHAINS[0]], workers=2)
    said = f"mug.f1: its process was killed {TRIES} times, the last time with nothing beside it. Most likely"
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("options", "in_memory"), [({}, ()), ({"workers": 1}, ()), ({"workers": 2}, ("a1",))]
)
def test_a_run_that_gains_nothing_stays_in_this_process(run, options, in_memory):
    """It is short, or one process is requested, or a dataset lies in this one's memory."""
    catalog = run(CHAINS, in_memory, **options)
    assert {catalog.load("a3"), catalog.load("b2")} == {os.getpid()}


WIDE = Pipeline([node(double, "params:one", f"w{number}", name=f"w{number}") for number in range(8)])
CHAIN = Pipeline([node(double, f"c{number}", f"c{number + 1}", name=f"n{number}") for number in range(8)])


@pytest.mark.parametrize(
    ("pipeline", "cores", "gigabytes", "gpus", "expected"),
    [
        (WIDE, 4, 64, [], 4),
        (WIDE, 64, 64, [], 8),
        (WIDE, 64, 3.5, [], 3),
        (WIDE, 4, 0.5, [], 1),
        (WIDE, 64, 640, ["0", "1"], 2),
        (CHAIN, 64, 64, [], 1),
    ],
)
def test_processes_are_no_more_than_cores_memory_gpus_and_nodes_side_by_side(
    monkeypatch, pipeline, cores, gigabytes, gpus, expected
):
    monkeypatch.setattr(capacity, "cores", lambda: cores)
    monkeypatch.setattr(capacity, "memory", lambda: gigabytes * 1e9)
    seconds = dict.fromkeys((each.name for each in pipeline.nodes), 60.0)
    assert DaskRunner()._count(pipeline, seconds, gpus, set()) == expected
