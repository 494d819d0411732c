"""Event files for TensorBoard hold what a training measured and showed, and change no bit of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hypnos_pipeline.training.tracking import track_in
from tests.training.test_previews import everything, run_with, saved_bytes, strip
from tests.training.test_resume import every_2, kill_at
from tests.training.tiny_study import finetuning, hypnos, same


@pytest.fixture
def folder(tmp_path):
    """Where trainings of this test are tracked."""
    yield tmp_path / "events"
    track_in(None)


def read(folder: Path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    return events.Reload()


def test_every_term_and_every_preview_is_written_and_no_bit_changes(folder, tmp_path):
    silent = run_with(hypnos(), strip())
    track_in(folder)
    tracked = run_with(hypnos(), strip())
    assert same(everything(tracked), everything(silent))
    assert tracked.curve == silent.curve
    assert saved_bytes(tracked, tmp_path / "tracked") == saved_bytes(silent, tmp_path / "silent")

    events = read(folder)
    for term in ("loss", "loss_reconstruction", "loss_perceptual", "loss_discriminator", "learning_rate"):
        written = [(each.step, each.value) for each in events.Scalars(term)]
        assert written == [(row["step"], pytest.approx(row[term], rel=1e-6)) for row in tracked.curve]
    assert {each.step for each in events.Images("previews")} == set(tracked.previews.frames) == {2, 4}


def test_a_resumed_training_goes_on_in_its_curve_and_a_new_one_begins_another(folder, tmp_path):
    track_in(folder)
    settings = hypnos(steps=6)
    kill_at(finetuning(settings, every_2(tmp_path)), 4)
    finetuning(settings, every_2(tmp_path)).run()
    assert [each.step for each in read(folder).Scalars("loss")] == [1, 2, 3, 4, 5, 6]
    finetuning(hypnos(steps=2)).run()
    assert [each.step for each in read(folder).Scalars("loss")] == [1, 2]
