"""The rate over a training: constant as the paper's, or falling to 0 as torch's own schedulers have it."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.training.optimisation import Updater, rate_factor
from hypnos_pipeline.training.settings import DreamBoothSettings, TextualInversionSettings
from tests.training.tiny_study import finetuning

STEPS, RATE = 5, 0.125


def references(optimiser: torch.optim.Optimizer) -> dict[str, torch.optim.lr_scheduler.LRScheduler]:
    from torch.optim import lr_scheduler

    return {
        "constant": lr_scheduler.ConstantLR(optimiser, factor=1.0),
        "linear": lr_scheduler.LinearLR(optimiser, start_factor=1.0, end_factor=0.0, total_iters=STEPS),
        "cosine": lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS),
    }


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_the_rate_is_that_of_torchs_scheduler(schedule):
    ours, theirs = (torch.nn.Parameter(torch.tensor([3.0, -2.0])) for _ in range(2))
    updater = Updater(
        [ours], learning_rate=RATE, weight_decay=0.0, clip_norm=1e9, factor=rate_factor(schedule, STEPS)
    )
    optimiser = torch.optim.AdamW([theirs], lr=RATE, weight_decay=0.0, fused=True)
    reference = references(optimiser)[schedule]
    for step in range(1, STEPS + 1):
        rate = optimiser.param_groups[0]["lr"]
        updater.update(ours.square().sum(), step)
        theirs.square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()
        reference.step()
        assert updater.rate == pytest.approx(rate)
    assert torch.allclose(ours, theirs, rtol=1e-6)


def test_a_finetune_follows_its_schedule():
    method = DreamBoothSettings(learning_rate=1e-3, schedule="linear", steps=4)
    run = finetuning(method.general_form())
    run.run()
    assert [row["learning_rate"] for row in run.curve] == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])


def test_a_rate_stays_unless_a_schedule_is_given():
    for method in (DreamBoothSettings(learning_rate=1e-3, steps=4), TextualInversionSettings(steps=4)):
        assert method.schedule == "constant"
