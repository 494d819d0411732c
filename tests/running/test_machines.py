"""Workers of a Dask scheduler: what they are asked before they take work, and what happens when they go."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from hypnos_pipeline.errors import ClusterError
from hypnos_pipeline.running import admission, machines
from hypnos_pipeline.running.admission import PACKAGE, Run, own_facts
from hypnos_pipeline.running.machines import Machines
from tests.conftest import PROJECT_ROOT

DASK = "from dask.__main__ import main; main()"
QUIET = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Iterator[Start]:
    """Starts ``dask`` with words and variables of the environment; ends all of it afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    folder = tmp_path_factory.mktemp("dask")

    def dask(*words: str, **environment: str) -> subprocess.Popen[bytes]:
        variables = (
            os.environ | QUIET | {"PYTHONPATH": str(PROJECT_ROOT), "TMPDIR": str(folder)} | environment
        )
        with (folder / "log").open("ab") as log:
            command = [sys.executable, "-c", DASK, *words]
            process = subprocess.Popen(command, env=variables, cwd=folder, stdout=log, stderr=log)
        started.append(process)
        return process

    yield dask
    for process in started:
        if process.poll() is None:
            for each in [*psutil.Process(process.pid).children(recursive=True), process]:
                each.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def scheduler(start: Start) -> tuple[str, subprocess.Popen[bytes]]:
    port = free_port()
    process = start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
    return f"tcp://127.0.0.1:{port}", process


def worker(start: Start, address: str, name: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    common = ["--name", name, "--host", "127.0.0.1", "--no-dashboard", "--nthreads", "2", *words]
    return start("worker", address, *common, **{"OMP_NUM_THREADS": "1"} | environment)


@pytest.fixture(scope="module")
def cluster(start) -> str:
    """The address of a scheduler with two workers."""
    address, _ = scheduler(start)
    for name in ("north", "south"):
        worker(start, address, name, "--no-nanny")
    return address


def opened(address: str, project: Path, **options: Any) -> Machines:
    return Machines(address, project, {}, **{"on_gpu": False, "memory": 1e6} | options)


def until(count: int, machines: Machines) -> None:
    """Waits for workers to come up: Python takes long to start on a busy machine."""
    machines._client.wait_for_workers(count, timeout=120)


def at_work(log: Path, name: str, seconds: float = 0.3) -> int:
    with log.open("a") as file:
        file.write(f"{name} ")
    time.sleep(seconds)
    with log.open("a") as file:
        file.write(f"/{name} ")
    return os.getpid()


def linger(flag: Path, seconds: float) -> int:
    """Takes its time, unless it is the second to try."""
    if not flag.exists():
        flag.write_text(str(os.getpid()))
        time.sleep(seconds)
    return os.getpid()


def kill_once_begun(flag: Path, process: int | None = None) -> None:
    while not flag.exists() or not flag.read_text():
        time.sleep(0.05)
    os.kill(process or int(flag.read_text()), signal.SIGKILL)


def test_every_worker_has_one_task_at_a_time_whatever_its_threads(cluster, tmp_path):
    with opened(cluster, tmp_path) as pool:
        until(2, pool)
        for number in range(4):
            pool.submit(at_work, tmp_path / f"{number % 2}", f"{number}", key=f"note {number}")
        processes = {task.result() for task in pool.finished()}
        assert pool.workers == 2
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert list((tmp_path / "data/locks").iterdir()) == []


def test_a_worker_with_other_code_is_refused_by_name_and_the_others_do_the_work(
    cluster, start, tmp_path, caplog
):
    shutil.copytree(PACKAGE, tmp_path / "hypnos_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "hypnos_pipeline/errors.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    with opened(cluster, tmp_path) as pool:
        until(2, pool)
        process = worker(start, cluster, "west", "--no-nanny", PYTHONPATH=f"{tmp_path}:{PROJECT_ROOT}")
        until(3, pool)
        for number in range(3):
            pool.submit(at_work, tmp_path / "log", "x", 0, key=f"{number}")
        assert len([task.result() for task in pool.finished()]) == 3
        assert pool.workers == 2
    process.kill()
    process.wait()
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 1
    assert "These workers take no part; the others do the work.\nwest (tcp://127.0.0.1:" in said[0]
    assert f"runs other code, {tmp_path / 'hypnos_pipeline'}; install the project there from" in said[0]


def test_where_no_worker_can_take_part_every_one_is_named_and_nothing_runs(cluster, tmp_path):
    with opened(cluster, tmp_path) as pool:
        until(2, pool)
    with pytest.raises(ClusterError) as raised, opened(cluster, tmp_path, memory=1e18):
        pass
    lines = str(raised.value).splitlines()
    assert lines[0] == f"Nothing was run: no worker of {cluster} can take part."
    assert sorted(line.partition(" ")[0] for line in lines[1::2]) == ["north", "south"]
    assert all("start the worker with more (`--memory-limit`)" in line for line in lines[2::2])
    assert list((tmp_path / "data/locks").iterdir()) == []


def test_a_scheduler_that_does_not_answer_is_one_message(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "CONNECT", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ClusterError, match=f"no Dask scheduler answers at {address}"):
        opened(address, tmp_path).__enter__()
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tls://127\.0\.0\.1:1"):
        opened("tls://127.0.0.1:1", tmp_path).__enter__()


def test_a_killed_worker_s_task_goes_to_another_and_a_lost_scheduler_is_one_message(start, tmp_path, caplog):
    address, process = scheduler(start)
    for name in ("east", "west"):
        worker(start, address, name, "--no-nanny")
    with opened(address, tmp_path) as pool:
        until(2, pool)
        pool.submit(linger, tmp_path / "first", 60, key="first")
        pool.submit(kill_once_begun, tmp_path / "first", key="kill the worker")
        assert {task.key for task in pool.finished()} == {"first", "kill the worker"}
        assert pool.workers == 1
        assert "first: its process was killed; it starts again in another one (2 of 3 tries)" in caplog.text
        pool.submit(at_work, tmp_path / "log", "x", 60, key="x")
        pool._start_some()
        process.kill()
        with pytest.raises(ClusterError, match=f"scheduler at {address} was lost"):
            list(pool.finished())
    assert list((tmp_path / "data/locks").iterdir()) == []


HERE = {
    "code": "a",
    "code_now": "a",
    "package": "/there/hypnos_pipeline",
    "python": "3.11.9",
    "libraries": {"torch": "2.14.1", "numpy": "2.4.0"},
    "project": True,
    "writable": True,
    "networks": {"clip": {"model.safetensors": "1"}},
    "threads": "1",
    "memory": 8 * 2**30,
    "processor": "EPYC",
    "gpus": [],
}
RUN = Run("/shared/study", "sign", {"clip": "data/01_raw/models/clip"}, on_gpu=False, memory=2 * 2**30)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, None),
        ({"python": "3.11.4", "processor": "Xeon"}, None),
        ({"code": "b"}, "runs the code as it was before the last change; restart the worker"),
        (
            {"code": "b", "code_now": "b", "python": "3.9"},
            "runs other code, /there/hypnos_pipeline; install the project there from /shared/study",
        ),
        (
            {"project": False},
            "does not see /shared/study as it is here; mount the same folder there, at the same path",
        ),
        ({"writable": False}, "cannot write to /shared/study; start the worker as a user who can"),
        ({"python": "3.12.1"}, "runs Python 3.12.1; use the run's own, 3.11.9"),
        (
            {"libraries": {"torch": "2.13.0", "numpy": None}},
            "has numpy missing, torch 2.13.0; use the run's own environment, with numpy 2.4.0, torch 2.14.1",
        ),
        (
            {"networks": {"clip": {"model.safetensors": "2"}}},
            "has another models.clip: model.safetensors in data/01_raw/models/clip; copy the folder there"
            " from the machine of this run",
        ),
        (
            {"memory": 2**30},
            "may take 1.0 GiB; a node of this run takes 2.0 GiB; start the worker with more"
            " (`--memory-limit`)",
        ),
        ({"threads": None}, "does not set OMP_NUM_THREADS; start the worker with OMP_NUM_THREADS=1"),
        ({"threads": "8"}, "has OMP_NUM_THREADS=8; start the worker with OMP_NUM_THREADS=1"),
        (
            {"gpus": ["T4", "T4"]},
            "sees 2 GPUs and would use the first; start one worker for each GPU, with CUDA_VISIBLE_DEVICES=0,"
            " then 1 …",
        ),
    ],
)
def test_a_worker_that_differs_is_refused_with_the_fix(other, said):
    found = admission.problems("north", HERE | other, HERE, RUN)
    assert [str(problem) for problem in found] == ([] if said is None else [said])
    assert {problem.where for problem in found} <= {"north"}


def test_code_that_changed_since_it_was_imported_shows(tmp_path, monkeypatch):
    (tmp_path / "module.py").write_text("x = 1\n")
    monkeypatch.setattr(admission, "PACKAGE", tmp_path)
    monkeypatch.setattr(admission, "CODE_AS_IMPORTED", admission.code_digest())
    before = own_facts(replace(RUN, networks={}))
    assert before["code"] == before["code_now"]
    (tmp_path / "module.py").write_text("x = 2, changed\n")
    after = own_facts(replace(RUN, networks={}))
    assert after["code"] == before["code"] != after["code_now"]


def test_a_network_with_another_file_of_weights_shows(tmp_path):
    for place in ("here", "there"):
        folder = tmp_path / place / "models/clip"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_text(place)
        (folder / "README.md").write_text(place)
    run = replace(RUN, networks={"clip": "models/clip"})
    here, there = (own_facts(replace(run, project=str(tmp_path / place))) for place in ("here", "there"))
    facts = {"project": True, "writable": True, "threads": "1"}
    (problem,) = admission.problems("north", there | facts, here | facts, run)
    assert problem.what == "has another models.clip: model.safetensors in models/clip"
