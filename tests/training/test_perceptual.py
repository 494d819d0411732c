"""L_p compares with the pool image whose latent was noised."""

from __future__ import annotations

import pytest
import torch

from hypnos_pipeline.training.perceptual import PerceptualLoss, feature_distance, stage_features
from hypnos_pipeline.training.settings import Perceptual
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import efficientnet, latents, pool, same, weights


def as_images(indexes):
    return torch.from_numpy(pool().stack()[indexes]).permute(0, 3, 1, 2) / 255.0


def loss(settings=None):
    return PerceptualLoss(efficientnet(), pool().stack(), settings or Perceptual(), tiny_text_to_image().vae)


def test_features_are_the_outputs_of_the_second_to_fourth_stage():
    network, images = efficientnet(), as_images([0, 1])
    caught = []
    for index in (1, 2, 3):
        network.blocks[index].register_forward_hook(lambda _m, _i, output: caught.append(output))
    mean, std = (torch.tensor(network.pretrained_cfg[key]).reshape(1, 3, 1, 1) for key in ("mean", "std"))
    network((images - mean) / std)
    theirs = caught[:3]
    assert all(map(torch.equal, stage_features(network, images), theirs))
    assert [stage.shape[1] for stage in theirs] == [24, 32, 48]


def test_stages_of_efficientnet_b1_are_the_papers():
    import timm

    with torch.device("meta"):
        network = timm.create_model("efficientnet_b1", num_classes=0)
    assert [info["num_chs"] for info in network.feature_info[1:3]] == [24, 40]
    assert network.blocks[3][-1].conv_pwl.out_channels == 80


def test_loss_is_0_at_a_recoloured_image_and_not_at_its_photo():
    recoloured = next(i for i, row in enumerate(pool().manifest) if row["kind"] == "recoloured")
    photo = next(i for i, row in enumerate(pool().manifest) if row["kind"] == "original")
    measure = loss()
    assert float(measure.distance(as_images([recoloured]), [recoloured])) == pytest.approx(0.0, abs=1e-12)
    assert float(measure.distance(as_images([photo]), [recoloured])) > 1e-4


def test_reductions_and_weights():
    ours, zero = (
        [torch.full((2, c, 4, 4), 2.0) for c in (24, 40, 80)],
        [torch.zeros(2, c, 4, 4) for c in (24, 40, 80)],
    )
    weighting = (0.35, 0.45, 0.2)
    assert feature_distance(ours, zero, weighting, "mean").tolist() == pytest.approx([4.0, 4.0])
    assert feature_distance(ours, zero, weighting, "channel_sum").tolist() == pytest.approx([4 * 42.4] * 2)
    assert feature_distance(ours, zero, (1.0, 0.0, 0.0), "mean").tolist() == pytest.approx([4.0, 4.0])


def test_features_of_the_pool_are_computed_once_and_the_network_stays_as_it_is():
    measure = loss()
    before = weights(measure.network)
    calls = []
    measure.network.conv_stem.register_forward_hook(lambda _m, inputs, _o: calls.append(len(inputs[0])))
    clean = latents().sample("pool", [2, 2, 5], torch.zeros(3, *latents().shape)).requires_grad_()
    first, again = measure(clean, [2, 2, 5]), measure(clean, [2, 2, 5])
    assert calls == [1, 1, 3, 3]  # each pool image once and alone, then the decoded images
    assert torch.equal(first, again)
    first.sum().backward()
    assert float(clean.grad.abs().sum()) > 0
    assert all(
        parameter.grad is None for parameter in [*measure.network.parameters(), *measure.vae.parameters()]
    )
    assert same(before, weights(measure.network))


def test_decoder_checkpointing_changes_no_gradient():
    gradients = []
    for checkpointing in (False, True):
        measure = loss()
        if checkpointing:
            measure.vae.enable_gradient_checkpointing()
        clean = latents().sample("pool", [1], torch.zeros(1, *latents().shape)).requires_grad_()
        measure(clean + 0.1, [1]).sum().backward()
        gradients.append(clean.grad)
    torch.testing.assert_close(gradients[0], gradients[1])
