"""A process killed with SIGKILL at any step, and the next run: the same bytes as if nothing had happened."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from hypnos_pipeline.storage.settings import CheckpointSettings
from tests.end_to_end.resumed import FAMILIES, SCENARIOS, run_scenario
from tests.end_to_end.shrunken import hashes

KILLS = 20


def settings(folder: Path, draw: random.Random) -> CheckpointSettings:
    """States at every, every second or every third step."""
    return CheckpointSettings(
        folder=str(folder / "states"), every_seconds=None, every_steps=draw.randint(1, 3)
    )


def log(folder: Path) -> str:
    return (folder / "log").read_text()[-3000:]


def kill_and_resume(name: str, folder: Path, draw: random.Random, kills: int = 1) -> None:
    """Runs a scenario undisturbed, then killed and resumed, and holds the two against each other."""
    code, moments = run_scenario(name, folder / "undisturbed")
    assert code == 0, log(folder / "undisturbed")
    chosen = settings(folder, draw)
    for kill in range(kills):
        # The rest of a resumed run is shorter: from the second kill on among its first moments.
        fatal = draw.randint(1, moments if kill == 0 else 2)
        code, _ = run_scenario(name, folder / "killed", chosen, fatal)
        assert code == -signal.SIGKILL, f"{name} at {fatal} of {moments}: {log(folder / 'killed')}"
    left = list((folder / "states").glob("*/step_*"))
    (folder / "killed/log").unlink()
    code, _ = run_scenario(name, folder / "killed", chosen)
    assert code == 0, log(folder / "killed")
    assert ("going on" in (folder / "killed/log").read_text()) == bool(left)
    assert hashes(folder / "killed", "result") == hashes(folder / "undisturbed", "result")
    assert hashes(folder / "killed", "result")
    assert list((folder / "states").iterdir()) == []


@pytest.mark.parametrize("number", range(3))
def test_a_killed_run_ends_in_the_same_bytes(tmp_path, number):
    draw = random.Random(f"three kills {number}")
    kill_and_resume(draw.choice([FAMILIES[:4], FAMILIES[4:], SCENARIOS[6:]][number]), tmp_path, draw)


@pytest.mark.long
@pytest.mark.parametrize("number", range(KILLS))
def test_twenty_killed_runs_end_in_the_same_bytes(tmp_path, number):
    draw = random.Random(f"twenty kills {number}")
    kill_and_resume(SCENARIOS[number % len(SCENARIOS)], tmp_path, draw, kills=1 + number % 2)
