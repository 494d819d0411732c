"""Finetuning: what moves, what must not, and when each term acts."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from hypnos_pipeline.errors import DivergedError
from hypnos_pipeline.training.discriminator_training import Pretraining
from hypnos_pipeline.training.losses import matching_sigma
from hypnos_pipeline.training.optimisation import Updater
from hypnos_pipeline.training.settings import (
    Augmented,
    DreamBoothSettings,
    JointDiscriminator,
    LossWeights,
    Optimiser,
    Perceptual,
    Reconstruction,
)
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import (
    DISCRIMINATOR,
    PLAIN,
    RUNTIME,
    SEED,
    adversary,
    finetuning,
    hypnos,
    latents,
    perceptual,
    same,
    weights,
)

COLLAPSED = {
    "reconstruction": Reconstruction(kind="mse"),
    "weights": LossWeights(perceptual=0.0, discriminator=0.0),
    "augmentation": Augmented(recolour_probability=0.0, prompts="plain"),
}


def dreambooth():
    """DreamBooth as its node runs it: without any discriminator or perceptual network."""
    from hypnos_pipeline.training.finetuning import Finetuning

    settings = DreamBoothSettings(learning_rate=1e-4, steps=4, instance_batch=2, class_batch=2)
    model = tiny_text_to_image()
    run = Finetuning(
        model, latents(), settings.general_form(), plain_prompt=PLAIN, seed=SEED, runtime=RUNTIME
    )
    run.run()
    return run


def trained(run):
    return weights(run.model.unet, run.model.text_encoder)


@pytest.fixture(scope="module")
def baseline():
    return dreambooth()


@pytest.fixture(scope="module")
def full_run():
    run = finetuning(hypnos(steps=8))
    run.frozen = weights(run.model.vae, run.perceptual.network)
    run.first_discriminator = weights(run.discriminator)
    run.run()
    return run


def test_hypnos_collapses_to_dreambooth_bit_for_bit(baseline):
    run = finetuning(hypnos(**COLLAPSED))
    run.run()
    assert same(trained(run), trained(baseline))
    assert [row["loss"] for row in run.curve] == [row["loss"] for row in baseline.curve]


@pytest.mark.parametrize(
    "change",
    [
        {"augmentation": Augmented(recolour_probability=0.0)},
        {"augmentation": Augmented(recolour_probability=0.66, prompts="plain")},
        {"reconstruction": Reconstruction()},
        {"weights": LossWeights(perceptual=0.003, discriminator=0.0)},
        {"weights": LossWeights(perceptual=0.0, discriminator=0.5)},
    ],
)
def test_each_part_of_hypnos_leaves_dreambooth(baseline, change):
    run = finetuning(hypnos(**COLLAPSED | change))
    run.run()
    assert not same(trained(run), trained(baseline))


def test_two_runs_give_the_same_bits(full_run):
    again = finetuning(hypnos(steps=8))
    again.run()
    assert same(trained(again), trained(full_run))
    assert again.curve == full_run.curve
    assert again.report() == full_run.report()


def test_perceptual_term_runs_in_exactly_the_first_steps(monkeypatch):
    from hypnos_pipeline.training import perceptual as module

    decoded = []
    original = module.decode
    monkeypatch.setattr(module, "decode", lambda *given: decoded.append(1) or original(*given))
    run = finetuning(hypnos(steps=6, perceptual=Perceptual(steps=4)))
    run.run()
    assert len(decoded) == 4
    assert run.report()["perceptual_steps"] == 4
    assert [row["loss_perceptual"] > 0 for row in run.curve] == [True] * 4 + [False] * 2


def test_perceptual_steps_default_to_the_papers_share():
    assert hypnos(steps=800).perceptual_steps() == 500
    assert hypnos(steps=8).perceptual_steps() == 5


def test_frozen_networks_are_byte_equal_afterwards(full_run):
    assert same(full_run.frozen, weights(full_run.model.vae, full_run.perceptual.network))
    assert not same(full_run.first_discriminator, weights(full_run.discriminator))


def test_frozen_discriminator_stays_as_pretrained():
    run = finetuning(hypnos(discriminator=JointDiscriminator(train=False)))
    before = weights(run.discriminator)
    run.run()
    assert same(before, weights(run.discriminator))
    assert "loss_discriminator_training" not in run.curve[0]


def test_unet_and_text_encoder_both_move(full_run):
    fresh = tiny_text_to_image()
    assert not same(weights(fresh.unet), weights(full_run.model.unet))
    assert not same(weights(fresh.text_encoder), weights(full_run.model.text_encoder))


def terms_of(run, step: int = 1):
    instance, prior = run._draw(step)
    prediction = run.denoiser.predict([instance, prior], run._prompts(instance, prior))
    terms, clean = run.terms(step, prediction, instance.indexes)
    return terms, clean, prediction


@pytest.mark.parametrize("term", ["perceptual", "discriminator"])
def test_term_alone_reaches_generator_and_nothing_frozen(term):
    run = finetuning(hypnos())
    terms, _, prediction = terms_of(run)
    prediction.epsilon.retain_grad()
    terms[term].backward()

    def reached(network):
        return any(p.grad is not None and bool(p.grad.any()) for p in network.parameters())

    assert reached(run.model.unet)
    assert reached(run.model.text_encoder)
    assert not any(reached(network) for network in (run.model.vae, run.perceptual.network, run.discriminator))
    rows = prediction.epsilon.grad.flatten(1).abs().sum(1)
    assert (rows[:2] > 0).all()
    assert (rows[2:] == 0).all()


def test_class_half_reaches_only_the_prior_term():
    run = finetuning(hypnos())
    terms, _, prediction = terms_of(run)
    for name, rows in (("prior", slice(0, 2)), ("reconstruction", slice(2, 4))):
        gradient = torch.autograd.grad(terms[name], prediction.epsilon, retain_graph=True)[0]
        assert not gradient[rows].any()
        assert gradient.any()


def test_discriminators_own_loss_leaves_the_generator_alone():
    run = finetuning(hypnos())
    _, clean, _ = terms_of(run)
    before = trained(run)
    run.joint.step(1, clean)
    assert same(before, trained(run))
    assert all(p.grad is None for p in [*run.model.unet.parameters(), *run.model.text_encoder.parameters()])


def test_discriminator_sees_z0_from_before_the_generators_update(monkeypatch):
    run = finetuning(hypnos())
    _, clean, _ = terms_of(run)
    seen = []
    monkeypatch.setattr(run.joint, "step", lambda step, generated: seen.append(generated) or 0.0)
    run.step(1)
    assert torch.equal(seen[0], clean)


def test_no_gradient_is_held_while_a_forward_pass_or_a_preview_needs_memory(monkeypatch):
    moments = []

    class Previews:
        frames: ClassVar[dict] = {}

        def watch(self, _model):
            pass

        def after(self, _step):
            moments.append([p for p in run.updater.parameters if p.grad is not None])

    run = finetuning(hypnos(steps=3), previews=Previews())
    predict = run.denoiser.predict

    def watched(*arguments):
        moments.append([p for p in run.updater.parameters if p.grad is not None])
        return predict(*arguments)

    monkeypatch.setattr(run.denoiser, "predict", watched)
    run.run()
    assert moments == [[]] * 6
    assert all(p.grad is None for p in run.updater.parameters)


def test_every_step_draws_anew():
    run = finetuning(hypnos(instance_batch=8, class_batch=8))
    for first, second in zip(run._draw(1), run._draw(2), strict=True):
        assert first.indexes != second.indexes
        assert not torch.equal(first.timesteps, second.timesteps)
        assert not torch.equal(first.noise, second.noise)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(("clip_norm", "gradient"), [(1.0, [0.6, 0.8]), (100.0, [30.0, 40.0])])
def test_the_unscaled_gradient_is_clipped(scaled, clip_norm, gradient):
    row = torch.nn.Parameter(torch.zeros(2))
    updater = Updater([row], learning_rate=1e-3, weight_decay=0.0, clip_norm=clip_norm, scaled=scaled)
    seen = seen_by_the_optimiser(updater)
    assert updater.update((row * torch.tensor([30.0, 40.0])).sum(), 1) == pytest.approx(50.0)
    assert seen[0].tolist() == pytest.approx(gradient, rel=1e-5)


def seen_by_the_optimiser(updater) -> list:
    """Collects the gradients that an optimiser's step begins with; afterwards they are gone."""
    seen = []

    def keep(*_):
        seen.extend(p.grad.clone() for p in updater.parameters if p.grad is not None)

    updater.optimiser.register_step_pre_hook(keep)
    return seen


def test_trainings_clip_to_the_configured_norm():
    run = finetuning(hypnos(optimiser=Optimiser(clip_norm=1e-3)))
    settings = DISCRIMINATOR.model_copy(update={"clip_norm": 1e-3})
    for training in (run, Pretraining(latents(), settings, SEED, torch.device("cpu"))):
        seen = seen_by_the_optimiser(training.updater)
        assert training.step(1)["gradient_norm"] > 1e-2
        norms = torch.stack([gradient.norm() for gradient in seen])
        assert float(norms.norm()) == pytest.approx(1e-3, rel=1e-3)


def test_losses_add_up_with_their_weights(full_run):
    row = full_run.curve[0]
    parts = {"reconstruction": 1.0, "prior": 1.0, "perceptual": 0.003, "discriminator": 0.5}
    expected = sum(weight * row[f"loss_{name}"] for name, weight in parts.items())
    assert row["loss"] == pytest.approx(expected, rel=1e-6)


def test_report_says_what_happened(full_run):
    report = full_run.report()
    assert report["sigma"] == pytest.approx(matching_sigma())
    assert sum(report["draws"].values()) == 8 * 2
    assert set(report["gradient_shares"]) == {"reconstruction", "prior", "perceptual", "discriminator"}
    for decile in range(10):
        shares = [rows[decile] for rows in report["gradient_shares"].values() if rows[decile] is not None]
        assert not shares or sum(shares) == pytest.approx(1.0)
    assert set(report["discriminator_accuracy"]) == {"before", "after"}


def test_logging_gradients_changes_no_weight(full_run):
    silent = finetuning(hypnos(steps=8, gradient_log_every=0))
    silent.run()
    assert same(trained(silent), trained(full_run))


def test_inert_terms_are_reported():
    run = finetuning(hypnos(weights=LossWeights(perceptual=1e-9), gradient_log_every=1))
    run.run()
    assert run.report()["inactive_terms"] == ["perceptual"]


def test_prior_can_be_left_out():
    run = finetuning(hypnos(weights=LossWeights(prior=0.0)))
    run.run()
    assert "loss_prior" not in run.curve[0]


def test_velocity_models_train_on_converted_noise():
    model = tiny_text_to_image("v_prediction")
    run = finetuning(hypnos(), model=model)
    _, clean, prediction = terms_of(run)
    signal = prediction.alpha_bar.sqrt().reshape(-1, 1, 1, 1)
    noise = (1 - prediction.alpha_bar).sqrt().reshape(-1, 1, 1, 1)
    rebuilt = signal[:2] * clean + noise[:2] * prediction.epsilon[:2]
    torch.testing.assert_close(rebuilt, prediction.noisy[:2], atol=1e-5, rtol=1e-5)


def test_networks_that_a_term_needs_are_required():
    from hypnos_pipeline.training.finetuning import Finetuning

    given = {"plain_prompt": PLAIN, "seed": SEED, "runtime": RUNTIME}
    model = tiny_text_to_image()
    with pytest.raises(ValueError, match="perceptual"):
        Finetuning(model, latents(), hypnos(), **given, adversary=adversary())
    with pytest.raises(ValueError, match="discriminator"):
        Finetuning(model, latents(), hypnos(), **given, perceptual=perceptual(model, hypnos()))


def test_divergence_names_the_step():
    run = finetuning(hypnos(learning_rate=0.9, steps=300, optimiser=Optimiser(clip_norm=1e9)))
    with torch.no_grad():
        next(run.model.unet.parameters()).fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"step 1: .*Lower learning_rate of HYPNOS"):
        run.run()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_keeps_float32_weights_and_losses(precision):
    run = finetuning(hypnos(steps=2), runtime=RUNTIME.model_copy(update={"precision": precision}))
    run.run()
    terms, clean, prediction = terms_of(run)
    assert {each.dtype for each in (*terms.values(), clean, prediction.epsilon)} == {torch.float32}
    assert run.updater.scaler.is_enabled() == (precision == "float16")
    assert all(tensor.dtype == torch.float32 for tensor in trained(run) if tensor.is_floating_point())
    assert len(run.curve) == 2


def test_8_bit_adam_trains():
    run = finetuning(hypnos(steps=1, optimiser=Optimiser(kind="adamw_8bit")))
    before = trained(run)
    run.run()
    assert not same(before, trained(run))
