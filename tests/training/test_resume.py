"""A killed run goes on to the same bits."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.training.checkpoints import Checkpoints, fingerprint
from hypnos_pipeline.training.settings import Optimiser
from tests.training.tiny_study import finetuning, hypnos, same, weights

SETTINGS = hypnos(steps=6, optimiser=Optimiser(checkpoint_every=2))


class Killed(Exception):
    pass


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


@pytest.mark.parametrize("kind", ["adamw", "adamw_8bit"])
def test_killed_run_resumes_to_the_same_bits(tmp_path, kind):
    settings = SETTINGS.model_copy(update={"optimiser": Optimiser(kind=kind, checkpoint_every=2)})
    whole = finetuning(settings)
    whole.run()

    kill_at(finetuning(settings, tmp_path), 4)
    resumed = finetuning(settings, tmp_path)
    steps = []
    ordinary = resumed.step
    resumed.step = lambda number: steps.append(number) or ordinary(number)
    resumed.run()

    assert steps == [3, 4, 5, 6]
    assert same(everything(resumed), everything(whole))
    assert resumed.curve == whole.curve
    assert resumed.report() == whole.report()
    assert not any(tmp_path.iterdir())


def test_other_parameters_do_not_resume_from_it(tmp_path):
    kill_at(finetuning(SETTINGS, tmp_path), 4)
    other = SETTINGS.model_copy(update={"learning_rate": 2e-4})
    steps = []
    run = finetuning(other, tmp_path)
    ordinary = run.step
    run.step = lambda number: steps.append(number) or ordinary(number)
    run.run()
    assert steps[0] == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_interval_0_writes_nothing(tmp_path):
    run = finetuning(hypnos(steps=2), tmp_path)
    assert run.checkpoints is None
    run.run()
    assert not any(tmp_path.iterdir())


def test_half_written_state_is_not_read(tmp_path):
    checkpoints = Checkpoints(tmp_path, "key")
    checkpoints.save(2, {"a": torch.ones(2)}, {"x": 0.1})
    half = tmp_path / "key" / ".step_0000003.partial"
    half.mkdir()
    (half / "state.json").write_text("{")
    step, tensors, values = checkpoints.load()
    assert (step, values, tensors["a"].tolist()) == (2, {"x": 0.1}, [1.0, 1.0])
    checkpoints.save(4, {"a": torch.zeros(2)}, {})
    assert [path.name for path in (tmp_path / "key").iterdir()] == ["step_0000004"]


def test_fingerprint_sees_values_and_bytes():
    keys = {
        fingerprint({"rate": 1}, {"a": torch.ones(2)}),
        fingerprint({"rate": 2}, {"a": torch.ones(2)}),
        fingerprint({"rate": 1}, {"a": torch.zeros(2)}),
        fingerprint({"rate": 1}, {"b": torch.ones(2)}),
        fingerprint({"rate": 1}, {"a": torch.ones(1, 2)}),
    }
    assert len(keys) == 5
