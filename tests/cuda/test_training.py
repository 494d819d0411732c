"""Training on a GPU: both half precisions, 8-bit Adam, and runs that go on to the same bits."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from hypnos_pipeline.training.frozen_vae import frozen_vae
from hypnos_pipeline.training.settings import Optimiser, Perceptual, TextualInversionSettings
from tests.tiny_models import tiny_text_to_image
from tests.training.test_resume import every_2, everything, kill_at, steps_of
from tests.training.tiny_study import SEED, finetuning, hypnos, latents, same, weights

HALVES = ["float16", "bfloat16"]
PRECISIONS = ["float32", *HALVES]


def run_of(device, precision: str, checkpoints: CheckpointSettings = OFF, model=None, **changes):
    settings = hypnos(**{"steps": 6} | changes)
    runtime = RuntimeSettings(device=device.type, threads=1, precision=precision)
    model = model or tiny_text_to_image()
    return finetuning(settings, checkpoints, model.to(device), runtime=runtime)


def trained(device, precision: str, **changes):
    run = run_of(device, precision, **changes)
    run.run()
    return run


def movement(run) -> torch.Tensor:
    """How far training has moved every weight of UNet and text encoder, as one vector."""
    before = tiny_text_to_image().to(run.model.device)
    networks = ((run.model.unet, before.unet), (run.model.text_encoder, before.text_encoder))
    return torch.cat(
        [
            (new - old).detach().flatten()
            for own, others in networks
            for new, old in zip(own.parameters(), others.parameters(), strict=True)
        ]
    )


def alike(first, second) -> float:
    """The cosine between the ways that two runs went."""
    return float(torch.nn.functional.cosine_similarity(movement(first), movement(second), dim=0))


@pytest.mark.parametrize("precision", HALVES)
def test_half_precision_goes_the_way_of_float32(device, precision) -> None:
    whole, half = trained(device, "float32"), trained(device, precision)
    losses = [[row["loss"] for row in run.curve] for run in (whole, half)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert half.report()["perceptual_steps"] == whole.report()["perceptual_steps"] > 0
    assert alike(half, whole) > 0.9
    assert all(parameter.dtype == torch.float32 for parameter in half.updater.parameters)


def test_8_bit_adam_goes_the_way_of_adam(device) -> None:
    runs = [trained(device, "float32", optimiser=Optimiser(kind=kind)) for kind in ("adamw", "adamw_8bit")]
    states = runs[1].updater.state()[0].values()
    assert any(each.dtype == torch.uint8 for each in states)
    assert alike(*runs) > 0.95


@pytest.mark.parametrize("kind", ["adamw", "adamw_8bit"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_killed_run_resumes_to_the_same_bits(device, tmp_path, precision, kind) -> None:
    changes = {"optimiser": Optimiser(kind=kind)}
    whole = trained(device, precision, **changes)
    kill_at(run_of(device, precision, every_2(tmp_path), **changes), 4)
    resumed = run_of(device, precision, every_2(tmp_path), **changes)
    assert steps_of(resumed) == [3, 4, 5, 6]
    assert same(everything(resumed), everything(whole))
    assert resumed.curve == whole.curve


@pytest.mark.parametrize("precision", PRECISIONS)
def test_recomputed_activations_change_memory_alone(device, precision) -> None:
    recomputed = {
        "optimiser": Optimiser(gradient_checkpointing=True),
        "perceptual": Perceptual(gradient_checkpointing=True),
    }
    plain, again = trained(device, precision), trained(device, precision, **recomputed)
    assert [row["loss"] for row in again.curve] == pytest.approx(
        [row["loss"] for row in plain.curve], rel=1e-3
    )


@pytest.mark.parametrize("precision", HALVES)
def test_l_p_through_a_vae_in_half_precision_stays_close(device, precision) -> None:
    model = tiny_text_to_image().to(device)
    runtime = RuntimeSettings(device=device.type, threads=1, precision=precision, frozen_vae="half")
    with frozen_vae(model, runtime):
        half = run_of(device, precision, model=model)
        half.run()
    whole = trained(device, "float32")
    losses = [[row["loss_perceptual"] for row in run.curve] for run in (whole, half)]
    assert losses[1] == pytest.approx(losses[0], rel=0.05, abs=1e-4)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_textual_inversion_moves_its_row_and_nothing_else(device, precision) -> None:
    from hypnos_pipeline.training.textual_inversion import textual_inversion

    model = tiny_text_to_image().to(device)
    networks = (model.unet, model.vae, model.text_encoder)
    before = weights(*networks)
    runtime = RuntimeSettings(device=device.type, threads=1, precision=precision)
    settings = TextualInversionSettings(steps=3)
    learned, curve, report = textual_inversion(
        model, latents(), settings, noun="robot", seed=SEED, runtime=runtime
    )
    after = weights(*networks)
    changed = [index for index, pair in enumerate(zip(before, after, strict=True)) if not equal(*pair)]
    assert len(changed) == 1  # the table of embeddings, which has gained a row
    assert torch.equal(after[changed[0]][:-1], before[changed[0]])
    assert report["distance_moved"] > 0
    assert learned.embedding.isfinite().all()
    assert len(curve) == 3


def equal(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.shape == second.shape and torch.equal(first, second)
