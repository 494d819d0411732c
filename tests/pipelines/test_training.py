"""The nodes run on saved tiny models, and each family reads only what it needs."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from hypnos_pipeline.models.settings import ModelReference, ModelsSettings, RuntimeSettings
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.training.settings import (
    DreamBoothSettings,
    Optimiser,
    Perceptual,
    Previews,
    TextualInversionSettings,
)
from tests.tiny_models import save_tiny_text_to_image, save_tiny_timm
from tests.training.tiny_study import DISCRIMINATOR, PHOTOS, RUNTIME, SEED, fakes, hypnos, picture, pool, same
from tests.training.tiny_study import class_prior as prior

SUBJECT = SubjectSettings(noun="robot")


def study():
    """As much of a study as the two pipelines read."""
    entries = [("hypnos", "h"), ("dreambooth", "d"), ("textual_inversion", "t"), ("base", "b")]
    return SimpleNamespace(subjects={"one": SUBJECT, "two": SUBJECT}, entries=lambda: entries, trainings=1)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save_tiny_text_to_image(folder / "text_to_image")
    save_tiny_timm(folder / "perceptual")
    others = ("dino", "clip", "clip_b32", "inception", "lpips")
    references = {name: ModelReference(folder="unused") for name in others}
    for name in ("text_to_image", "perceptual"):
        references[name] = ModelReference(folder=str(folder / name))
    return ModelsSettings(**references)


@pytest.fixture(scope="module")
def latents(models):
    from hypnos_pipeline.pipelines.discriminator.nodes import encode_latents

    return encode_latents(pool(), fakes(), prior(), models.text_to_image, RUNTIME)


@pytest.mark.parametrize("frozen", ["half", "int8"])
def test_posteriors_are_float32s_in_every_precision(models, latents, frozen):
    from hypnos_pipeline.pipelines.discriminator.nodes import encode_latents

    runtime = RuntimeSettings(device="cpu", threads=1, precision="bfloat16", frozen_vae=frozen)
    encoded = encode_latents(pool(), fakes(), prior(), models.text_to_image, runtime).to_tensors()
    assert all(torch.equal(encoded[name], tensor) for name, tensor in latents.to_tensors().items())


@pytest.fixture(scope="module")
def pretrained(latents, models):
    from hypnos_pipeline.pipelines.discriminator.nodes import pretrain_discriminator

    return pretrain_discriminator(latents, DISCRIMINATOR, SEED, models.text_to_image, RUNTIME)


def test_discriminator_nodes(models, latents, pretrained):
    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.models.reference import describe
    from hypnos_pipeline.pipelines.discriminator.nodes import discriminator_attention

    weights, curve, report = pretrained
    assert list(curve["step"]) == [1, 2, 3, 4]
    assert json.loads(json.dumps(report)) == report
    assert report["networks"] == {"text_to_image": describe(models.text_to_image)}
    photos = ImageSet({photo: picture(photo) for photo in PHOTOS})
    figure = discriminator_attention(photos, latents, weights, DISCRIMINATOR, SEED, RUNTIME)
    assert figure.size[1] > figure.size[0] / 3


def test_hypnos_node(models, latents, pretrained, monkeypatch, tmp_path):
    from hypnos_pipeline.models.reference import describe
    from hypnos_pipeline.pipelines.finetune.nodes import hypnos as node

    monkeypatch.chdir(tmp_path)
    networks = [models.text_to_image, models.perceptual]
    given = [
        latents,
        pool(),
        pretrained[0],
        SUBJECT,
        hypnos(steps=2, previews=Previews(every=1, images=1, steps=2)),
        DISCRIMINATOR,
        *networks,
        SEED,
        RUNTIME,
    ]
    finetuned, curve, report, strip = node(*given)
    assert {"loss_perceptual", "loss_discriminator", "loss_discriminator_training"} <= set(curve.columns)
    assert json.loads(json.dumps(report)) == report
    assert report["networks"]["perceptual"] == describe(models.perceptual)
    assert len(report["networks"]["text_to_image"]["sha256"]) == 64
    before = {name: tensor.clone() for name, tensor in pretrained[0].items()}
    again, _, _, again_strip = node(*given)
    assert strip.tobytes() == again_strip.tobytes()
    assert strip.size[0] > 1.5 * strip.size[1]
    first, second = (each.text_to_image.unet.state_dict() for each in (finetuned, again))
    assert same(list(first.values()), list(second.values()))
    assert all(torch.equal(before[name], tensor) for name, tensor in pretrained[0].items())


def test_a_vae_kept_in_half_precision_is_saved_as_it_was(models, latents, pretrained, monkeypatch, tmp_path):
    """As ``paper`` trains: half passes, half VAE, recomputed activations, 8-bit Adam, previews."""
    from hypnos_pipeline.models.text_to_image import load_text_to_image
    from hypnos_pipeline.pipelines.finetune.nodes import hypnos as node

    monkeypatch.chdir(tmp_path)
    runtime = RuntimeSettings(device="cpu", precision="bfloat16", frozen_vae="half")
    settings = hypnos(
        steps=2,
        perceptual=Perceptual(gradient_checkpointing=True),
        optimiser=Optimiser(kind="adamw_8bit", gradient_checkpointing=True),
        previews=Previews(every=2, images=1, steps=2),
    )
    networks = [models.text_to_image, models.perceptual]
    finetuned, curve, *_ = node(
        latents, pool(), pretrained[0], SUBJECT, settings, DISCRIMINATOR, *networks, SEED, runtime
    )
    assert (curve["loss_perceptual"] > 0).any()
    base, model = load_text_to_image(models.text_to_image.folder), finetuned.text_to_image
    for name, tensor in base.vae.state_dict().items():
        assert torch.equal(model.vae.state_dict()[name], tensor)
    trained = zip(model.unet.parameters(), base.unet.parameters(), strict=True)
    assert any(not torch.equal(ours, theirs) for ours, theirs in trained)
    assert {parameter.dtype for parameter in model.unet.parameters()} == {torch.float32}


def test_baseline_nodes(models, latents):
    from hypnos_pipeline.pipelines.finetune.nodes import dreambooth, textual_inversion

    settings = DreamBoothSettings(learning_rate=1e-4, steps=2)
    _, curve, report, _ = dreambooth(latents, SUBJECT, settings, models.text_to_image, SEED, RUNTIME)
    assert not {"loss_perceptual", "loss_discriminator"} & set(curve.columns)
    assert report["draws"] == {"original": 2}
    inversion = TextualInversionSettings(steps=2)
    learned, curve, _, _ = textual_inversion(latents, SUBJECT, inversion, models.text_to_image, SEED, RUNTIME)
    assert learned.token == "<sks>"
    assert len(curve) == 2


def test_only_hypnos_waits_for_the_discriminator():
    from hypnos_pipeline.pipelines.discriminator import create_pipeline as discriminator
    from hypnos_pipeline.pipelines.finetune import create_pipeline as finetune

    nodes = {node.name: node for node in finetune(study()).nodes}
    assert set(nodes) == {f"{subject}.{method}.finetune" for subject in ("one", "two") for method in "hdt"}
    readers = {name for name, node in nodes.items() if "discriminator_weights" in str(node.inputs)}
    assert readers == {"one.h.finetune", "two.h.finetune"}
    assert "params:methods.dreambooth.d" in nodes["one.d.finetune"].inputs
    assert "params:subjects.one" in nodes["one.d.finetune"].inputs
    assert "one.latents" in discriminator(study()).all_outputs()
    assert {"one.pool", "one.fakes", "one.class_prior"} <= discriminator(study()).inputs()
