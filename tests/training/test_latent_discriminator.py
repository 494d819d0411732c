"""The discriminator's architecture and its own training."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.errors import UnusableNetwork
from hypnos_pipeline.randomness import generator
from hypnos_pipeline.training.discriminator_training import JointTraining, accuracy, pretrain
from hypnos_pipeline.training.latent_discriminator import LatentDiscriminator
from hypnos_pipeline.training.latents import LatentCache
from hypnos_pipeline.training.settings import DiscriminatorSettings, JointDiscriminator
from hypnos_pipeline.training.table_3 import FRACTIONS, Table3
from tests.training.tiny_study import DISCRIMINATOR, SEED, latents, same, weights


def random_latents(*shape):
    return torch.randn(*shape, generator=generator(0, "latents"))


def test_parameters_at_the_papers_size():
    network = LatentDiscriminator(DiscriminatorSettings(), (4, 64, 64), SEED)
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_594_585
    assert network(random_latents(2, 4, 64, 64)).shape == (2,)


@pytest.mark.parametrize("size", [(8, 8), (16, 16), (12, 20), (24, 8)])
def test_grid_is_8_by_8_for_any_latent(size):
    network = LatentDiscriminator(DISCRIMINATOR, (4, *size), SEED)
    attention = network.class_attention(random_latents(2, 4, *size))
    assert attention.shape == (2, DISCRIMINATOR.heads, 8, 8)
    assert (attention.flatten(2).sum(-1) < 1).all()
    assert (attention > 0).all()


def test_attention_maps_are_those_of_the_forward_pass():
    block = LatentDiscriminator(DISCRIMINATOR, (4, 8, 8), SEED).blocks[0]
    tokens = random_latents(2, 65, DISCRIMINATOR.width)
    value = block._heads(tokens)[2]
    mixed = block.attention_out((block.attention(tokens) @ value).transpose(1, 2).flatten(2)) + tokens
    torch.testing.assert_close(mixed + block.mlp(block.mlp_norm(mixed)), block(tokens), atol=1e-5, rtol=1e-5)


def test_initial_weights_depend_on_the_seed_alone():
    before = torch.get_rng_state()
    networks = [LatentDiscriminator(DISCRIMINATOR, (4, 8, 8), seed) for seed in (1, 1, 2)]
    assert same(weights(networks[0]), weights(networks[1]))
    assert not same(weights(networks[0]), weights(networks[2]))
    assert torch.equal(before, torch.get_rng_state())


def test_width_must_fit_the_heads():
    with pytest.raises(ValueError, match="width"):
        LatentDiscriminator(DiscriminatorSettings(width=190), (4, 8, 8), SEED)


def test_weights_of_another_study_are_refused_with_the_fix():
    weights = LatentDiscriminator(DISCRIMINATOR, (4, 16, 16), SEED).state_dict()
    same_shape = LatentDiscriminator.pretrained(DISCRIMINATOR, (4, 16, 16), SEED + 1, weights)
    assert same(list(same_shape.state_dict().values()), list(weights.values()))
    deeper = DISCRIMINATOR.model_copy(update={"depth": DISCRIMINATOR.depth + 1})
    with pytest.raises(UnusableNetwork, match=r"missing \(blocks.*: run the pipeline 'discriminator' again"):
        LatentDiscriminator.pretrained(deeper, (4, 16, 16), SEED, weights)
    with pytest.raises(UnusableNetwork, match=r"of another shape \(patches.weight"):
        LatentDiscriminator.pretrained(DISCRIMINATOR, (4, 32, 32), SEED, weights)


def separable():
    """Posteriors whose real images differ from the fakes by a shift, so that a few steps suffice."""
    cache = latents()
    shift = {"pool": 1.0, "fakes": -1.0, "class_prior": -1.0}
    means = {section: mean / mean.std() * 0.3 + shift[section] for section, mean in cache.means.items()}
    deviations = {section: torch.full_like(mean, 0.1) for section, mean in means.items()}
    return LatentCache(means, deviations, cache.rows, 1.0)


def test_pretraining_learns_to_tell_the_kinds_and_repeats_itself():
    settings = DISCRIMINATOR.model_copy(update={"steps": 60, "batch": 16, "learning_rate": 3e-3})
    device = torch.device("cpu")
    network, curve, report = pretrain(separable(), settings, SEED, device)
    assert [row["step"] for row in curve] == list(range(1, 61))
    assert sum(row["loss"] for row in curve[-10:]) < 0.7 * sum(row["loss"] for row in curve[:10])
    assert set(report["accuracy"]) == set(FRACTIONS)
    assert sum(report["accuracy"].values()) / len(FRACTIONS) > 0.95
    again, _, _ = pretrain(separable(), settings.model_copy(update={"steps": 3}), SEED, device)
    third, _, _ = pretrain(separable(), settings.model_copy(update={"steps": 3}), SEED, device)
    assert same(weights(again), weights(third))
    assert not same(weights(again), weights(network))


def test_accuracy_reads_the_threshold_from_both_sides():
    class Scores(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.anything = torch.nn.Parameter(torch.zeros(1))

        def forward(self, latents):
            return latents[:, 0, 0, 0]

    drawn = torch.tensor([0.9, 0.6, 0.4, 0.1]).reshape(4, 1, 1, 1)
    assert accuracy(Scores(), drawn[:3], real=True, batch=2) == pytest.approx(2 / 3)
    assert accuracy(Scores(), drawn[:3], real=False, batch=2) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("fakes", "size"), [("table_3", 8), ("generated_only", 6)])
def test_joint_batch_is_half_real_and_holds_the_generated(fakes, size):
    network = LatentDiscriminator(DISCRIMINATOR, latents().shape, SEED)
    joint = JointTraining(network, Table3(latents(), SEED), JointDiscriminator(fakes=fakes), DISCRIMINATOR)
    generated = random_latents(2, *latents().shape)
    batch, wanted = joint.batch(1, generated)
    assert wanted.tolist() == [1.0] * 4 + [0.0] * (size - 4)
    assert len(batch) == size
    assert torch.equal(batch[4:6], generated)
    assert len(joint.batch(1, random_latents(9, *latents().shape))[0]) == 8


def test_joint_step_trains_the_discriminator_and_leaves_the_generator_alone():
    network = LatentDiscriminator(DISCRIMINATOR, latents().shape, SEED)
    joint = JointTraining(network, Table3(latents(), SEED), JointDiscriminator(), DISCRIMINATOR)
    before = weights(network)
    generated = random_latents(2, *latents().shape).requires_grad_()
    assert joint.step(1, generated) > 0
    assert generated.grad is None
    assert not same(before, weights(network))
    assert not any(parameter.requires_grad for parameter in network.parameters())
