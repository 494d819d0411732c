"""The pool of worker processes: order, memory, messages, killed workers, and what it leaves behind."""

from __future__ import annotations

import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from hypnos_pipeline import progress
from hypnos_pipeline.errors import WorkerDied
from hypnos_pipeline.running.pool import Pool, in_worker, log_to_the_pool
from hypnos_pipeline.running.tasks import TRIES, Here

SOON = 60
"""Seconds that what happens at once may take on a busy machine."""


@pytest.fixture(scope="module")
def pool():
    with Pool(2, memory=10) as opened:
        yield opened


def note(log: Path, name: str, seconds: float = 0.2, beside: str = "") -> tuple[int, str | None, bool]:
    """Writes down when it began and ended, which it does once another one has begun."""
    with log.open("a") as file:
        file.write(f"{name} ")
    time.sleep(seconds)
    end = time.monotonic() + SOON
    while beside and beside not in log.read_text().split():
        assert time.monotonic() < end, f"{beside} did not begin within {SOON} s"
        time.sleep(0.02)
    with log.open("a") as file:
        file.write(f"/{name} ")
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), in_worker()


def die_once(flag: Path, log: Path) -> str:
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    note(log, "again", 0)
    return "done"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise LookupError("no such thing")


def say(count: int) -> None:
    progress.begin("talk")
    for number in range(count):
        progress.emit({"step": number, "kind": "steps"})
    log_to_the_pool()
    logging.getLogger("hypnos_pipeline.test").warning("a %s", "warning")


def test_tasks_run_in_processes_of_one_thread(pool, tmp_path):
    for number in range(4):
        pool.submit(note, tmp_path / "log", f"{number}", 0.5, key=f"note {number}")
    results = [task.result() for task in pool.finished()]
    assert len({process for process, _, _ in results} | {os.getpid()}) == 3
    assert {(threads, inside) for _, threads, inside in results} == {("1", True)}
    assert not in_worker()


def test_those_of_high_priority_go_first_and_no_more_at_a_time_than_fit(pool, tmp_path):
    for number in (1, 3, 2, 0):
        pool.submit(note, tmp_path / "log", f"{number}", key=f"note {number}", priority=number, memory=6)
    assert [task.key for task in pool.finished()] == ["note 3", "note 2", "note 1", "note 0"]
    assert (tmp_path / "log").read_text().split() == ["3", "/3", "2", "/2", "1", "/1", "0", "/0"]


def test_what_does_not_fit_beside_another_waits(pool, tmp_path):
    log = tmp_path / "log"
    for name, memory, beside in (("large", 8, "small"), ("vast", 99, ""), ("small", 2, "")):
        pool.submit(note, log, name, 0, beside, key=name, memory=memory)
    assert {task.key for task in pool.finished()} == {"large", "vast", "small"}
    words = log.read_text().split()
    assert words.index("small") < words.index("/large")
    assert words.index("vast") > max(words.index("/large"), words.index("/small"))


def test_more_may_be_submitted_while_tasks_end(pool, tmp_path):
    pool.submit(note, tmp_path / "log", "first", 0, key="first")
    seen = []
    for task in pool.finished():
        seen.append(task.key)
        if task.key == "first":
            pool.submit(note, tmp_path / "log", "second", 0, key="second")
    assert seen == ["first", "second"]


def test_what_a_worker_reports_and_logs_is_heard_here_in_order_and_before_its_end(pool, caplog):
    heard: list[dict] = []
    pool.submit(say, 3, key="talk")
    with progress.sent_to(heard.append):
        (task,) = pool.finished()
    task.result()
    steps = [{"kind": "steps", "step": number} for number in range(3)]
    assert heard == [{"kind": "begin", "work": "talk"}, *steps]
    assert caplog.record_tuples == [("hypnos_pipeline.test", logging.WARNING, "a warning")]


def test_an_error_comes_back_as_it_was(pool):
    pool.submit(fail, key="fail")
    (task,) = pool.finished()
    with pytest.raises(LookupError, match="no such thing"):
        task.result()


def test_a_killed_worker_s_task_runs_again_and_no_other_one_does(pool, tmp_path, caplog):
    log = tmp_path / "log"
    pool.submit(die_once, tmp_path / "flag", log, key="dies once")
    pool.submit(note, log, "beside", 0, "/again", key="beside")
    assert {task.key: task.result() for task in pool.finished()}["dies once"] == "done"
    assert log.read_text().split() == ["beside", "again", "/again", "/beside"]
    said = f"dies once: its process was killed; it starts again in another one (2 of {TRIES} tries)"
    assert [record.getMessage() for record in caplog.records] == [said]


@pytest.mark.long
def test_a_task_that_kills_every_worker_is_an_error(pool):
    pool.submit(die, key="deadly")
    (task,) = pool.finished()
    with pytest.raises(WorkerDied, match=f"deadly: its process was killed {TRIES} times"):
        task.result()
    pool.submit(say, 1, key="after")
    (task,) = pool.finished()
    task.result()


def test_who_lacks_the_certificate_is_refused(pool):
    address = urlsplit(pool._client.scheduler.address)
    assert address.hostname == "127.0.0.1"
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((address.hostname, address.port))
    with trusting.wrap_socket(plain) as other, pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        other.recv(1)


def test_without_processes_tasks_run_here_in_the_same_order(tmp_path):
    with Here() as here:
        for number in (1, 3, 2):
            here.submit(note, tmp_path / "log", f"{number}", 0, key=f"{number}", priority=number)
        here.submit(fail, key="fail", priority=9)
        ended = list(here.finished())
    assert [task.key for task in ended] == ["fail", "3", "2", "1"]
    with pytest.raises(LookupError):
        ended[0].result()
    assert ended[1].result()[0] == os.getpid()


BUSY = """
import sys, time
from hypnos_pipeline.running.pool import Pool

if __name__ == "__main__":
    with Pool(2) as pool:
        for number in range(2):
            pool.submit(time.sleep, 60, key=f"sleep {number}")
        print("up", flush=True)
        list(pool.finished())
"""


@pytest.mark.parametrize("ending", ["interrupted", "killed"])
def test_no_process_folder_or_port_is_left_behind(tmp_path, ending):
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    main = subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert main.stdout is not None
    assert main.stdout.readline() == "up\n"
    workers = psutil.Process(main.pid).children(recursive=True)
    listening = [each for each in psutil.Process(main.pid).net_connections() if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    if ending == "interrupted":
        os.killpg(main.pid, signal.SIGINT)  # Ctrl-C reaches the workers too
    else:
        main.kill()
    main.communicate(timeout=SOON)
    assert psutil.wait_procs(workers, timeout=SOON)[1] == []
    assert [path.name for path in tmp_path.iterdir()] == ["busy.py"]
