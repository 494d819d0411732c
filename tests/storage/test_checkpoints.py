"""When states are saved, which one is resumed, and what is kept of the others."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from pathlib import Path

import pytest
import torch

from hypnos_pipeline.storage import checkpoints as module
from hypnos_pipeline.storage.checkpoints import (
    Checkpoints,
    discard_finished,
    keep_finished,
    open_checkpoints,
)
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from tests.datasets.test_full_disk import ROOM, no_room_for_large_files


def settings(folder: Path, **changes) -> CheckpointSettings:
    return CheckpointSettings(**{"folder": str(folder), "every_seconds": None, "every_steps": 1} | changes)


def opened(folder: Path, rate: float = 0.1, **changes) -> Checkpoints:
    made = open_checkpoints(settings(folder, **changes), "test", {"rate": rate}, {"a": torch.ones(2)})
    assert made is not None
    return made


def save(checkpoints: Checkpoints, step: int, **options) -> None:
    checkpoints.save(step, {"a": torch.full((2,), float(step))}, {"step": step}, **options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "in_use")


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(module.time, "monotonic", lambda: Clock.now)
    return Clock


def test_due_by_steps(tmp_path):
    checkpoints = opened(tmp_path, every_steps=3)
    assert [step for step in range(1, 8) if checkpoints.due(step)] == [3, 6]


def test_due_by_the_clock_and_by_steps(tmp_path, clock):
    checkpoints = opened(tmp_path, every_seconds=60, every_steps=100)
    assert not checkpoints.due(1)
    assert checkpoints.due(100)
    clock.now += 59
    assert not checkpoints.due(2)
    clock.now += 1
    assert checkpoints.due(3)
    save(checkpoints, 3)
    assert not checkpoints.due(4)


def test_what_takes_long_to_save_is_saved_less_often(tmp_path, clock, monkeypatch):
    def slow(*_):
        clock.now += 12

    monkeypatch.setattr(module, "write_state", slow)
    checkpoints = opened(tmp_path, every_seconds=60, every_steps=None)
    save(checkpoints, 1)
    clock.now += 12 / module.LARGEST_SHARE - 1
    assert not checkpoints.due(2)
    clock.now += 1
    assert checkpoints.due(3)


def test_off_opens_nothing(tmp_path):
    assert open_checkpoints(OFF.model_copy(update={"folder": str(tmp_path)}), "test", {}, {}) is None
    assert names(tmp_path) == []


def test_only_the_newest_stays_and_is_resumed(tmp_path):
    checkpoints = opened(tmp_path)
    for step in (2, 4):
        save(checkpoints, step)
    assert names(checkpoints.folder) == ["step_0000004"]
    state = opened(tmp_path).load()
    assert (state.step, state.values, state.tensors["a"].tolist()) == (4, {"step": 4}, [4.0, 4.0])
    assert opened(tmp_path, rate=0.2).load() is None


def test_parts_all_stay(tmp_path):
    checkpoints = opened(tmp_path)
    for part in (0, 24, 48):
        save(checkpoints, part, part=True)
    assert {state.step for state in opened(tmp_path).load_all()} == {0, 24, 48}


def test_a_broken_newest_state_is_set_aside_for_the_one_before(tmp_path, caplog):
    checkpoints = opened(tmp_path)
    save(checkpoints, 2)
    save(checkpoints, 4, part=True)
    broken = checkpoints.folder / "step_0000004"
    (broken / "state.json").write_text("{")
    assert opened(tmp_path).load().step == 2
    (warning,) = warnings(caplog)
    assert warning.startswith(f"{broken} cannot be used: state.json cannot be read")
    assert warning.endswith("It was set aside as set_aside_1.")
    assert names(checkpoints.folder) == ["set_aside_1", "step_0000002"]
    assert (checkpoints.folder / "set_aside_1/state.json").read_text() == "{"


def test_foreign_things_are_set_aside_and_half_written_ones_removed(tmp_path, caplog):
    checkpoints = opened(tmp_path)
    save(checkpoints, 2)
    (checkpoints.folder / "notes.txt").write_text("mine")
    (checkpoints.folder / "step_abc").mkdir()
    (checkpoints.folder / "step_0000003").write_text("a file")
    half = checkpoints.folder / ".step_0000005.partial"
    half.mkdir()
    (half / "state.json").write_text("{")
    assert opened(tmp_path).load().step == 2
    assert len(warnings(caplog)) == 3
    assert names(checkpoints.folder) == ["set_aside_1", "set_aside_2", "set_aside_3", "step_0000002"]
    kept = [path.read_text() for path in checkpoints.folder.glob("set_aside_*") if path.is_file()]
    assert sorted(kept) == ["a file", "mine"]


def test_a_full_disk_costs_the_state_and_not_the_run(tmp_path, caplog):
    checkpoints = opened(tmp_path)
    save(checkpoints, 1)
    large = {"a": torch.zeros(ROOM)}
    with no_room_for_large_files():
        checkpoints.save(2, large, {})
        checkpoints.save(3, large, {})
    (warning,) = warnings(caplog)
    assert str(checkpoints.folder) in warning
    assert "the run goes on" in warning
    assert "too large" in warning
    assert names(checkpoints.folder) == ["step_0000001"]
    assert opened(tmp_path).load().step == 1
    checkpoints.save(4, large, {})
    assert opened(tmp_path).load().step == 4


def test_a_folder_that_cannot_be_made_costs_the_states_and_not_the_run(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    assert open_checkpoints(settings(tmp_path / "file"), "test", {}, {}) is None
    assert "this run saves no states" in caplog.text


def test_two_processes_at_the_same_work_use_one_folder_once(tmp_path, caplog):
    checkpoints = opened(tmp_path)
    checkpoints.remove()
    checkpoints.folder.mkdir()
    with (checkpoints.folder / "in_use").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        given = settings(tmp_path), "test", {"rate": 0.1}, {"a": torch.ones(2)}
        assert open_checkpoints(*given) is None
    assert "is in use by another process" in caplog.text


def leave_behind(folder: Path, rate: float, age: float, kilobytes: int = 100) -> Path:
    """Leaves what a killed run of so many seconds ago left."""
    checkpoints = opened(folder, rate=rate)
    checkpoints.save(1, {"a": torch.zeros(kilobytes * 250)}, {})
    module.leave(checkpoints.folder)
    (checkpoints.folder / "in_use").touch()  # as a killed process leaves it
    for path in [*checkpoints.folder.rglob("*"), checkpoints.folder]:
        os.utime(path, (time.time() - age,) * 2)
    return checkpoints.folder


def test_of_what_others_left_the_newest_stays(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    old, middle, new = (leave_behind(tmp_path, rate, age) for rate, age in ((1, 300), (2, 200), (3, 100)))
    (tmp_path / "of the user").mkdir()
    (tmp_path / "of the user/large").write_bytes(b"0" * 10**6)
    opened(tmp_path, rate=4, keep_gigabytes=220e-6)
    assert [path.exists() for path in (old, middle, new)] == [False, True, True]
    assert (tmp_path / "of the user/large").exists()
    assert f"removed {old} (0.1 MB)" in caplog.text
    assert f"2 older states or runs' folders take 0.2 MB in {tmp_path}" in caplog.text


def test_what_another_process_is_at_work_on_stays_and_the_run_killed_last(tmp_path):
    left, last = leave_behind(tmp_path, 1, 200), leave_behind(tmp_path, 2, 100)
    with (left / "in_use").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        opened(tmp_path, rate=3, keep_gigabytes=0)
        assert left.exists()
    opened(tmp_path, rate=4, keep_gigabytes=0)
    assert not left.exists()
    assert last.exists()


def test_what_was_set_aside_counts_too(tmp_path):
    checkpoints = opened(tmp_path)
    (checkpoints.folder / "notes.txt").write_bytes(b"0" * 1000)
    opened(tmp_path)
    assert names(checkpoints.folder) == ["set_aside_1"]
    opened(tmp_path, keep_gigabytes=0)
    assert names(checkpoints.folder) == []


def test_a_finished_runs_states_go_when_its_outputs_are_saved(tmp_path):
    checkpoints = opened(tmp_path)
    save(checkpoints, 1)
    checkpoints.finish()
    keep_finished()  # they were not
    discard_finished()
    assert opened(tmp_path).load().step == 1
    opened(tmp_path).finish()
    discard_finished()
    assert names(tmp_path) == []
