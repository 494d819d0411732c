"""``kedro repro`` in processes of its own, that are killed or interrupted in the middle of a stage."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from tests.stages.project import environment
from tests.stages.toys import Toy

SOON = 180.0
"""Seconds that a busy machine may take to come to the middle of a stage."""
ENDED = 120.0
"""Seconds within which everything has ended; 5 on a machine that is not busy."""
STAGES = {
    "quick": {"cmd": "cat a.txt > quick", "deps": ["a.txt"], "outs": ["quick"]},
    "slow": {
        "cmd": "echo half >> slow; echo $$ $PPID >> tries; [ -e go ] || sleep 600; cat a.txt >> slow",
        "deps": ["a.txt", "quick"],
        "outs": ["slow"],
    },
}
CALL = [sys.executable, "-c", "from hypnos_pipeline.commands.repro import repro; repro()"]


@pytest.fixture
def toy(tmp_path) -> Toy:
    return Toy(tmp_path / "toy", STAGES, {"a.txt": "1\n", "pyproject.toml": ""})


@pytest.fixture
def running(toy) -> Iterator[subprocess.Popen[bytes]]:
    """The stages' process, as a terminal starts it: with a process group of its own."""
    process = subprocess.Popen([*CALL, "--workers", "2"], cwd=toy.folder, env=environment(), process_group=0)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tries(toy: Toy) -> list[list[int]]:
    """The processes of the slow stage and of its worker, each time it began."""
    file = toy.folder / "tries"
    return (
        [[int(word) for word in line.split()] for line in file.read_text().splitlines()]
        if file.exists()
        else []
    )


def until(true: Callable[[], bool], seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def recorded(folder: Path) -> set[str]:
    return set(yaml.safe_load((folder / "dvc.lock").read_text())["stages"])


def assert_goes_on(toy: Toy) -> None:
    """What had finished is recorded; the next call runs the rest, on nothing that the killed one left."""
    assert recorded(toy.folder) == {"quick"}
    toy.write("go", "")
    outcome = toy.side_by_side()
    assert (outcome.failed, outcome.unchanged, outcome.finished) == ([], ["quick"], ["slow"])
    assert (toy.folder / "slow").read_text() == "half\n1\n"


def assert_a_second_one_is_refused(toy: Toy, first: int) -> None:
    """Before it looks at any stage, though the first one has let go of DVC's lock meanwhile."""
    second = subprocess.run(CALL, cwd=toy.folder, env=environment(), capture_output=True, text=True)
    assert second.returncode == 1
    said = " ".join(second.stderr.split())
    assert f"Nothing was run: process {first} is at work on quick, slow" in said


def test_a_killed_worker_s_stage_begins_again_and_ctrl_c_ends_everything(toy, running):
    until(lambda: len(tries(toy)) == 1)
    below = psutil.Process(running.pid).children(recursive=True)
    ((shell, worker),) = tries(toy)
    os.kill(worker, signal.SIGKILL)
    assert_a_second_one_is_refused(toy, running.pid)
    until(lambda: len(tries(toy)) == 2)
    until(lambda: not psutil.pid_exists(shell), ENDED)  # which ends with its worker
    assert (toy.folder / "slow").read_text() == "half\n", "the second try found what the first one left"
    below += psutil.Process(running.pid).children(recursive=True)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(ENDED) == 130
    _, alive = psutil.wait_procs(below, timeout=ENDED)
    assert alive == []
    assert_goes_on(toy)


def test_what_is_killed_as_a_whole_leaves_a_valid_record_and_no_process(toy, running):
    until(lambda: len(tries(toy)) == 1)
    below = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(below, timeout=ENDED)
    assert alive == []
    assert_goes_on(toy)
