"""Trainings and samplings in processes of their own, small enough to be killed again and again.

A process dies at a moment: the n-th of the steps of optimisers, calls of UNets, and files and folders of a
state being written. So the same moment is the same instant in every run.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hypnos_pipeline.storage.settings import OFF, CheckpointSettings
from tests.end_to_end.killed import EVENTS, IMPORTED_ONCE

FAMILIES = ("discriminator", "hypnos", "dreambooth", "textual_inversion", "sampling", "class_prior")
MINIWORLD = ("decoder", "encoder", "text_to_image", "net", "clip", "dino")
SCENARIOS = (*FAMILIES, *(f"miniworld_{name}" for name in MINIWORLD))
STEPS = 6


def count_moments(fatal: int = 0) -> list[str]:
    """Arms this process to die at a moment, the first being 1; at none if 0.

    Returns:
        What the moments were; it grows as they happen.
    """
    from diffusers import UNet2DConditionModel
    from torch.nn.modules.module import register_module_forward_hook
    from torch.optim.optimizer import register_optimizer_step_post_hook

    seen: list[str] = []

    def happened(what: str) -> None:
        seen.append(what)
        if len(seen) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple) -> None:
        if event in EVENTS and ".step_" in str(arguments[0]):
            happened("state")

    def sampled(module: object, *_: object) -> None:
        if isinstance(module, UNet2DConditionModel):
            happened("unet")

    sys.addaudithook(watch)
    register_optimizer_step_post_hook(lambda *_: happened("step"))
    register_module_forward_hook(sampled)
    return seen


def run_scenario(
    name: str, folder: Path, settings: CheckpointSettings = OFF, fatal: int = 0
) -> tuple[int, int]:
    """Runs a scenario in a process of its own; what it makes lies in ``<folder>/result``.

    Args:
        name: One of ``SCENARIOS``.
        folder: The scenario's own.
        settings: Of its checkpoints.
        fatal: See :func:`count_moments`.

    Returns:
        The exit code, and how many moments there were (0 if it was killed).
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED_ONCE, __name__])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "moments.json").write_text("0")
    process = context.Process(target=_run, args=(name, folder, settings, fatal))
    process.start()
    process.join()
    return process.exitcode, json.loads((folder / "moments.json").read_text())


def _run(name: str, folder: Path, settings: CheckpointSettings, fatal: int) -> None:
    import torch

    from hypnos_pipeline.storage.checkpoints import discard_finished

    descriptor = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(1)
    os.chdir(folder)
    kind, _, stage = name.partition("_") if name.startswith("miniworld") else (name, "", "")
    run = _miniworld(stage) if kind == "miniworld" else globals()[f"_{name}"]()
    seen = count_moments(fatal)
    run(settings)
    discard_finished()
    (folder / "moments.json").write_text(str(len(seen)))


def _save(tensors: dict, values: object) -> None:
    from safetensors.torch import save_file

    Path("result").mkdir(exist_ok=True)
    tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, "result/tensors.safetensors")
    Path("result/values.json").write_text(json.dumps(values))


def _discriminator() -> Callable[[CheckpointSettings], None]:
    import torch

    from hypnos_pipeline.training.discriminator_training import pretrain
    from tests.training.tiny_study import DISCRIMINATOR, SEED, latents

    posteriors, chosen = latents(), DISCRIMINATOR.model_copy(update={"steps": STEPS})

    def run(settings: CheckpointSettings) -> None:
        network, curve, report = pretrain(posteriors, chosen, SEED, torch.device("cpu"), settings)
        _save(network.state_dict(), [curve, report])

    return run


def _finetuning(chosen) -> Callable[[CheckpointSettings], None]:
    from hypnos_pipeline.training.previews import PreviewStrip
    from hypnos_pipeline.training.settings import Previews
    from tests.training.tiny_study import PHRASE, RUNTIME, SEED, SIZE, finetuning, latents

    latents()

    def run(settings: CheckpointSettings) -> None:
        previews = Previews(every=2, images=1, steps=2)
        strip = PreviewStrip(previews, PHRASE, seed=SEED, runtime=RUNTIME, image_size=SIZE)
        made = finetuning(chosen, settings, previews=strip)
        made.run()
        tensors = {f"unet.{name}": tensor for name, tensor in made.model.unet.state_dict().items()}
        tensors |= {f"text.{name}": tensor for name, tensor in made.model.text_encoder.state_dict().items()}
        if made.discriminator is not None:
            tensors |= {f"ld.{name}": tensor for name, tensor in made.discriminator.state_dict().items()}
        _save(tensors | strip.to_tensors(), [made.curve, made.report()])

    return run


def _hypnos() -> Callable[[CheckpointSettings], None]:
    from tests.training.tiny_study import hypnos

    return _finetuning(hypnos(steps=STEPS))


def _dreambooth() -> Callable[[CheckpointSettings], None]:
    from hypnos_pipeline.training.settings import DreamBoothSettings

    return _finetuning(DreamBoothSettings(learning_rate=1e-4, steps=STEPS).general_form())


def _textual_inversion() -> Callable[[CheckpointSettings], None]:
    from hypnos_pipeline.training.settings import TextualInversionSettings
    from hypnos_pipeline.training.textual_inversion import textual_inversion
    from tests.tiny_models import tiny_text_to_image
    from tests.training.tiny_study import RUNTIME, SEED, latents

    posteriors, chosen = latents(), TextualInversionSettings(steps=STEPS)

    def run(settings: CheckpointSettings) -> None:
        learned, curve, report = textual_inversion(
            tiny_text_to_image(),
            posteriors,
            chosen,
            noun="robot",
            seed=SEED,
            runtime=RUNTIME,
            checkpoints=settings,
        )
        _save({"row": learned.embedding}, [curve, report])

    return run


def _sampled() -> dict:
    from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings, SamplerSettings
    from tests.tiny_models import save_tiny_text_to_image

    return {
        "text_to_image": ModelReference(folder=str(save_tiny_text_to_image(Path("base")))),
        "sampling": SamplerSettings(steps=2, guidance=5.0, batch=2),
        "runtime": RuntimeSettings(device="cpu", threads=1),
        "seed": 42,
        "image_size": 16,
    }


def _save_images(images) -> None:
    import torch

    _save({"images": torch.from_numpy(images.stack())}, images.manifest)


def _sampling() -> Callable[[CheckpointSettings], None]:
    from hypnos_pipeline.pipelines.sampling.nodes import sample_base
    from hypnos_pipeline.prompting.settings import SubjectSettings

    prompts = {"kind": "fixed", "prompts": ["a photo of {subject}"], "images": 7}
    subject, given = SubjectSettings(noun="robot"), _sampled() | {"prompt_sets": {"invariant": prompts}}
    return lambda settings: _save_images(sample_base(subject, **given, checkpoints=settings)[0])


def _class_prior() -> Callable[[CheckpointSettings], None]:
    from hypnos_pipeline.models.settings import ClassPriorSettings
    from hypnos_pipeline.pipelines.class_prior.nodes import generate_class_prior
    from hypnos_pipeline.prompting.settings import SubjectSettings

    subject, given = SubjectSettings(noun="robot"), _sampled() | {"class_prior": ClassPriorSettings(count=7)}
    return lambda settings: _save_images(generate_class_prior(subject, **given, checkpoints=settings)[0])


def _miniworld(stage: str) -> Callable[[CheckpointSettings], None]:
    from hypnos_pipeline.miniworld.config import AutoencoderConfig, EncoderConfig, TextToImageConfig
    from hypnos_pipeline.miniworld.train import autoencoder, clip, dino, nets, text_to_image
    from hypnos_pipeline.miniworld.train.tokens import build_tokenizer

    root, result = Path(), Path("result")
    tokenizer = build_tokenizer(root / "tokenizer")
    _render(root, tokenizer)
    encoder = EncoderConfig(steps=STEPS // 2, batch=32 if stage == "dino" else 4)
    small = {"channels": (16, 16), "width": 16, "text_layers": 1, "heads": 2, "text_heads": 2}
    unet = TextToImageConfig(**small, steps=STEPS, batch=2, warmup=1)
    vae = AutoencoderConfig(channels=(8, 8, 8), batch=2, decoder_steps=STEPS, encoder_steps=STEPS)
    train, weights = root / "set/train", result / "weights.safetensors"
    return {
        "decoder": lambda settings: autoencoder.train_part("decoder", train, weights, vae, 7, settings),
        "encoder": lambda settings: autoencoder.train_part("encoder", train, weights, vae, 7, settings),
        "text_to_image": lambda settings: text_to_image.train(train, weights, tokenizer, unet, 7, settings),
        "net": lambda settings: nets.train_net(
            root, result / "net", "test_resnet", {"channels": [8, 8, 8, 16]}, encoder, 7, settings
        ),
        "clip": lambda settings: clip.train_clip(
            root, result / "clip", tokenizer, encoder, encoder, 7, settings
        ),
        "dino": lambda settings: dino.train_dino(root, result / "dino", encoder, encoder, 7, settings, 16),
    }[stage]


def _render(root: Path, tokenizer) -> None:
    from hypnos_pipeline.miniworld.render.dataset import render_set, save_array
    from hypnos_pipeline.miniworld.train.latents import prepare

    for name in ("train", "heldout"):
        if not (root / "set" / name / "tokens.npy").exists():
            render_set(root / "set" / name, 16, 3, f"test/{name}")
            prepare(root / "set" / name, tokenizer, None if name == "train" else root / "set/train")
        views = np.random.default_rng(0).integers(0, 256, (16, 5, 64, 64, 3), np.uint8)
        save_array(root / "views" / name / "views.npy", views)
