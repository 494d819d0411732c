"""A result that several stages need is made once, and never half a one is taken."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import pytest
import torch

from hypnos_pipeline.storage.checkpoints import open_checkpoints
from hypnos_pipeline.storage.made_once import entries, made_once
from hypnos_pipeline.storage.settings import CheckpointSettings
from tests.datasets.test_full_disk import no_room_for_large_files

KEY, OTHER = "a" * 32, "b" * 32


class Maker:
    """Makes a number, and counts how often."""

    def __init__(self, size: int = 1, wait: threading.Event | None = None) -> None:
        self.times, self.size, self.wait, self.began = 0, size, wait, threading.Event()

    def __call__(self) -> dict[str, torch.Tensor]:
        self.times += 1
        self.began.set()
        if self.wait:
            self.wait.wait(60)
        return {"n": torch.full((self.size,), 7, dtype=torch.uint8)}


def test_the_second_gets_what_the_first_made(tmp_path: Path) -> None:
    make = Maker()
    first, second = (made_once(tmp_path, KEY, make, 1e6) for _ in range(2))
    assert torch.equal(first["n"], second["n"])
    assert make.times == 1
    made_once(tmp_path, OTHER, make, 1e6)
    assert make.times == 2


def test_what_was_saved_of_its_making_goes_once_it_is_kept(tmp_path: Path) -> None:
    """A later run takes the entry, and would never come back to the states of a making that was killed."""
    settings = CheckpointSettings(folder=str(tmp_path / "states"), every_steps=1)

    def make() -> dict[str, torch.Tensor]:
        states = open_checkpoints(settings, "class_prior", [], {})
        assert states is not None
        made = Maker()()
        states.save(1, made, {})
        states.finish()
        return made

    made_once(tmp_path / "store", KEY, make, 1e6)
    assert list((tmp_path / "states").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut short", "missing"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, caplog, damage) -> None:
    make = Maker(size=100)
    made_once(tmp_path, KEY, make, 1e6)
    file = tmp_path / KEY / "tensors_000.safetensors"
    file.write_bytes(file.read_bytes()[:-1]) if damage == "cut short" else file.unlink()
    assert made_once(tmp_path, KEY, make, 1e6)["n"].sum() == 700
    assert make.times == 2
    assert "cannot be used" in caplog.text
    made_once(tmp_path, KEY, make, 1e6)
    assert make.times == 2


def test_who_comes_while_it_is_being_made_waits(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.INFO)
    go = threading.Event()
    first, second = Maker(wait=go), Maker()
    threads = [
        threading.Thread(target=made_once, args=(tmp_path, KEY, make, 1e6)) for make in (first, second)
    ]
    threads[0].start()
    assert first.began.wait(60)
    threads[1].start()
    while "waiting for it" not in caplog.text:
        assert threads[1].is_alive()
        time.sleep(0.01)
    go.set()
    for thread in threads:
        thread.join(60)
    assert (first.times, second.times) == (1, 0)


def test_a_maker_that_fails_leaves_nothing_and_blocks_nobody(tmp_path: Path) -> None:
    def fail() -> dict[str, torch.Tensor]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        made_once(tmp_path, KEY, fail, 1e6)
    assert entries(tmp_path) == []
    assert made_once(tmp_path, KEY, Maker(), 1e6)["n"] == 7


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    make = Maker(size=1000)
    for age, key in ((30, KEY), (20, OTHER)):
        made_once(tmp_path, key, make, 1e6)
        os.utime(tmp_path / key, (1e9 - age, 1e9 - age))
    made_once(tmp_path, KEY, make, 1e6)  # used again: now the newer one
    made_once(tmp_path, "c" * 32, make, 3000)
    assert {entry.name for entry in entries(tmp_path)} == {KEY, "c" * 32}


def test_a_full_disk_costs_the_entry_and_not_the_result(tmp_path: Path, caplog) -> None:
    with no_room_for_large_files():
        assert made_once(tmp_path, KEY, Maker(size=10**6), 1e9)["n"].sum() == 7 * 10**6
    assert "nothing was kept" in caplog.text
    assert entries(tmp_path) == []


def test_nothing_is_kept_where_that_is_switched_off(tmp_path: Path) -> None:
    make = Maker()
    for _ in range(2):
        made_once(tmp_path / "store", KEY, make, 0)
    assert make.times == 2
    assert not (tmp_path / "store").exists()
