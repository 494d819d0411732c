"""A run that stops goes on to the same bits, whatever its optimiser and precision."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.storage.checkpoints import discard_finished
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.storage.state import read_state, write_state
from hypnos_pipeline.training.optimisation import Updater
from hypnos_pipeline.training.settings import Optimiser
from tests.training.tiny_study import finetuning, hypnos, same, weights

SETTINGS = hypnos(steps=6)


class Killed(Exception):
    pass


def every_2(folder) -> CheckpointSettings:
    return CheckpointSettings(folder=str(folder), every_seconds=None, every_steps=2)


def everything(run):
    return weights(run.model.unet, run.model.text_encoder, run.discriminator)


def kill_at(run, fatal: int):
    ordinary = run.step

    def step(number):
        if number == fatal:
            raise Killed
        return ordinary(number)

    run.step = step
    with pytest.raises(Killed):
        run.run()


def steps_of(run) -> list[int]:
    """Runs it; returns the steps that it made."""
    steps, ordinary = [], run.step
    run.step = lambda number: steps.append(number) or ordinary(number)
    run.run()
    return steps


@pytest.mark.parametrize("kind", ["adamw", "adamw_8bit"])
def test_killed_run_resumes_to_the_same_bits(tmp_path, kind):
    settings = SETTINGS.model_copy(update={"optimiser": Optimiser(kind=kind)})
    whole = finetuning(settings)
    whole.run()

    kill_at(finetuning(settings, every_2(tmp_path)), 4)
    resumed = finetuning(settings, every_2(tmp_path))
    assert steps_of(resumed) == [3, 4, 5, 6]
    assert same(everything(resumed), everything(whole))
    assert resumed.curve == whole.curve
    assert resumed.report() == whole.report()
    in_8_bits = [each for each in resumed.updater.state()[0].values() if each.dtype == torch.uint8]
    assert bool(in_8_bits) == (kind == "adamw_8bit")
    assert [path.name for path in tmp_path.glob("*/step_*")] == ["step_0000004"]  # none after the last step
    discard_finished()
    assert not any(tmp_path.iterdir())


def test_the_gradient_scaler_goes_on_where_it_was(tmp_path):
    """fp16: some steps overflow and are repeated, so that the scale is not what it was at first."""

    def problem():
        row = torch.nn.Parameter(torch.linspace(-1, 1, 7))
        options = {"learning_rate": 1e-2, "weight_decay": 0.01, "clip_norm": 1.0}
        return row, Updater([row], **options, scaled=True)

    def walk(row, updater, steps):
        for step in steps:
            for factor in (1.0, float("inf")) if step % 3 == 0 else (1.0,):
                updater.update((row * factor).square().sum(), step)

    whole, undisturbed = problem()
    walk(whole, undisturbed, range(1, 11))
    row, first = problem()
    walk(row, first, range(1, 7))
    assert first.skipped == 1
    assert first.scaler.get_scale() < 65536
    tensors, values = first.state()
    write_state(tmp_path / "state", "key", 6, tensors | {"row": row}, values)
    state = read_state(tmp_path / "state", "key")
    again, second = problem()
    with torch.no_grad():
        again.copy_(state.tensors.pop("row"))
    second.restore(state.tensors, state.values)
    assert second.skipped == first.skipped
    walk(again, second, range(7, 11))
    assert torch.equal(again, whole)
    assert second.scaler.state_dict() == undisturbed.scaler.state_dict()


def test_other_parameters_do_not_resume_from_it(tmp_path):
    kill_at(finetuning(SETTINGS, every_2(tmp_path)), 4)
    other = SETTINGS.model_copy(update={"learning_rate": 2e-4})
    assert steps_of(finetuning(other, every_2(tmp_path)))[0] == 1
    discard_finished()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_broken_state_is_set_aside_and_the_run_begins_anew(tmp_path, caplog):
    kill_at(finetuning(SETTINGS, every_2(tmp_path)), 4)
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    run = finetuning(SETTINGS, every_2(tmp_path))
    assert steps_of(run)[0] == 1
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert str(file.parent) in caplog.text
    assert "tensors_000.safetensors is not what was saved" in caplog.text
    discard_finished()
    (aside,) = tmp_path.glob("*/set_aside_1")
    assert len(list(aside.iterdir())) == 2
