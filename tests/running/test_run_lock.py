"""Run lock: overlapping runs are refused at once, others go side by side, dead ones never block."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import time

import pytest
from kedro.pipeline import Pipeline, node

from hypnos_pipeline.errors import Busy
from hypnos_pipeline.running.hooks import OneRunAtATime
from hypnos_pipeline.running.run_lock import FOLDER, RunLock

HOLD = """
import sys, time
from pathlib import Path
from hypnos_pipeline.running.run_lock import RunLock
lock = RunLock(Path(sys.argv[1]), {"mug.pool"}, {"mug.latents"})
print("held", file=sys.stderr, flush=True)
time.sleep(60)
"""


@pytest.fixture
def locked(tmp_path):
    """Locks as another run of this process would, until the test ends."""
    held = []

    def lock(reads: set[str], writes: set[str]) -> RunLock:
        held.append(RunLock(tmp_path, reads, writes))
        return held[-1]

    return lock


def test_runs_that_do_not_meet_go_side_by_side(locked):
    locked({"mug.pool"}, {"mug.a.finetuned"})
    locked({"mug.pool"}, {"mug.b.finetuned"})


@pytest.mark.parametrize(
    ("reads", "writes", "shared"),
    [
        (set(), {"mug.latents"}, "mug.latents"),
        ({"mug.latents"}, {"mug.hypnos.finetuned"}, "mug.latents"),
        (set(), {"mug.pool"}, "mug.pool"),
        (set(), {"mug.latents", "mug.pool", "mug.fakes"}, "mug.latents, mug.pool"),
    ],
)
def test_runs_that_meet_are_refused(locked, reads, writes, shared):
    first = locked({"mug.pool"}, {"mug.latents"})
    with pytest.raises(Busy, match=f"process {os.getpid()} is at work on {shared},") as refused:
        locked(reads, writes)
    assert f"kill {os.getpid()}" in str(refused.value)
    first.release()
    locked(reads, writes)


def test_a_refused_run_holds_nothing(locked):
    locked(set(), {"mug.latents"})
    with pytest.raises(Busy):
        locked(set(), {"mug.latents", "mug.report"})
    locked(set(), {"mug.report"})


def test_many_shared_datasets_are_counted(locked):
    names = {f"mug.{letter}" for letter in "abcde"}
    locked(set(), names)
    with pytest.raises(Busy, match=r"mug\.a, mug\.b, mug\.c and 2 more"):
        locked(set(), names)


def test_a_killed_run_does_not_block(tmp_path, locked):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stderr=subprocess.PIPE, text=True)
    assert holder.stderr.readline() == "held\n"
    with pytest.raises(Busy, match=f"process {holder.pid} "):
        locked(set(), {"mug.latents"})
    holder.kill()
    holder.communicate()
    lock = locked(set(), {"mug.latents"})
    assert len(list(tmp_path.glob("run_*"))) == 1
    lock.release()
    assert list(tmp_path.glob("run_*")) == []


@pytest.fixture
def no_locks(monkeypatch):
    """A disk that knows no file locks, such as NFS without its lock service."""

    def refuse(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


def change_entry(folder, **values) -> None:
    (path,) = folder.glob("run_*")
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.usefixtures("no_locks")
class TestWithoutFileLocks:
    def test_runs_that_meet_are_refused(self, locked):
        first = locked(set(), {"mug.latents"})
        locked(set(), {"mug.pool"})
        with pytest.raises(Busy, match=f"process {os.getpid()} is at work on mug.latents,"):
            locked({"mug.latents"}, set())
        first.release()
        locked({"mug.latents"}, set())

    def test_a_killed_run_does_not_block(self, tmp_path, locked):
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        locked(set(), {"mug.latents"})
        change_entry(tmp_path, process=ended.pid)
        locked(set(), {"mug.latents"})

    def test_another_process_of_a_dead_runs_number_does_not_block(self, tmp_path, locked):
        locked(set(), {"mug.latents"})
        change_entry(tmp_path, started=time.time() - 86_400)
        locked(set(), {"mug.latents"})

    def test_a_run_on_another_host_is_named_with_its_file(self, tmp_path, locked):
        locked(set(), {"mug.latents"})
        change_entry(tmp_path, host="node7")
        with pytest.raises(Busy, match=r"process \d+ on node7 is at work on mug\.latents") as refused:
            locked(set(), {"mug.latents"})
        (path,) = tmp_path.glob("run_*")
        assert f"remove {path}" in str(refused.value)


def test_an_entry_made_with_locks_counts_where_there_are_none(locked, request):
    locked(set(), {"mug.latents"})
    request.getfixturevalue("no_locks")
    with pytest.raises(Busy):
        locked(set(), {"mug.latents"})


def test_a_whole_study_is_locked_in_no_time(locked):
    names = {f"subject_{number}.method.dataset" for number in range(5000)}
    for number in range(8):  # other runs
        locked(set(), {f"{number}.{name}" for name in names})
    start = time.process_time()
    locked(names, {f"new.{name}" for name in names}).release()
    assert time.process_time() - start < 2  # 0.02 were measured


@pytest.fixture
def starting(tmp_path):
    """Starts a run as Kedro does, with one hook object for the whole process."""
    pipeline = Pipeline([node(max, ["photos", "params:seed"], "pool", name="pool")])
    run_params = {"project_path": tmp_path.as_posix(), "env": "mini"}
    return lambda hook: hook.before_pipeline_run(run_params, pipeline)


@pytest.mark.parametrize("ending", ["after_pipeline_run", "on_pipeline_error"])
def test_the_hook_locks_until_the_run_ends(tmp_path, starting, ending):
    hook = OneRunAtATime()
    starting(hook)
    with pytest.raises(Busy, match="work on pool,"):
        starting(OneRunAtATime())
    assert list((tmp_path / FOLDER / "mini").glob("run_*"))
    getattr(hook, ending)()
    starting(OneRunAtATime())


def test_the_hook_locks_no_parameters(tmp_path, starting):
    hook = OneRunAtATime()
    starting(hook)
    (entry,) = (tmp_path / FOLDER / "mini").glob("run_*")
    assert json.loads(entry.read_text())["reads"] == ["photos"]


def test_a_run_interrupted_in_a_notebook_does_not_block_the_next(starting):
    hook = OneRunAtATime()
    starting(hook)
    starting(hook)
