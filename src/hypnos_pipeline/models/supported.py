"""Whether the method covers a text-to-image model, read from the JSON files in its folder alone.

It is made for the parts of Stable Diffusion 1.x and 2.x (paper 2.1): one CLIP text encoder, a UNet that reads
its states and a timestep, a KL autoencoder. A model with more to it would sample and train without an error,
and wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypnos_pipeline.errors import Problem

PREDICTION_TYPES = ("epsilon", "v_prediction")
SCHEDULER = "scheduler/scheduler_config.json"
PIPELINES = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline")
"""Pipelines of the same parts."""
CLASSES = {
    "unet": ("UNet2DConditionModel",),
    "vae": ("AutoencoderKL", "AutoencoderTiny"),
    "text_encoder": ("CLIPTextModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
}
"""The classes of each part that the method is made for."""
SCHEDULERS = tuple(
    f"{name}Scheduler"
    for name in (
        "PNDM", "DDIM", "DDPM", "DDIMParallel", "DDPMParallel", "LMSDiscrete", "EulerDiscrete",
        "EulerAncestralDiscrete", "HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete", "DPMSolverSDE",
        "DPMSolverSinglestep", "DPMSolverMultistep", "DEISMultistep", "UniPCMultistep", "SASolver",
    )
)  # fmt: skip
"""diffusers' schedulers of denoising diffusion; the others are of other processes or of distilled models."""
_NOT_IN_UNET = {
    "addition_embed_type": "it reads more than a prompt and a timestep, as SDXL does",
    "class_embed_type": "it reads a class or an image besides the prompt, as upscalers do",
    "num_class_embeds": "it reads a noise level besides the prompt, as upscalers do",
    "encoder_hid_dim_type": "it reads other states than CLIP's",
    "time_cond_proj_dim": "it is distilled for one guidance, as latent consistency models are",
}
_NOT_IN_VAE = {
    "latents_mean": "its latents are shifted, as SDXL's and newer ones are",
    "latents_std": "its latents are scaled by channel",
    "shift_factor": "its latents are shifted, as SD 3's and Flux's are",
}
_FIX = "choose a model of Stable Diffusion 1.x or 2.x"


def unsupported(folder: Path) -> list[Problem]:
    """Returns why the method does not cover the model in a diffusers folder; empty if it does.

    Files that are missing or cannot be read are left to :mod:`.integrity`.
    """
    index = _read(folder / "model_index.json")
    name = index.get("_class_name")
    if name not in (None, *PIPELINES):
        what = f"{folder / 'model_index.json'}: a {name}, expected {PIPELINES[0]}"
        return [Problem(str(folder), what, _FIX)]
    lines = [*_classes(folder), *_unet(folder), *_vae(folder), *_scheduler(folder)]
    return [Problem(str(folder), line, _FIX) for line in lines]


def class_names(folder: Path) -> dict[str, str]:
    """Returns the class of each part of a diffusers folder, as its ``model_index.json`` names them."""
    index = _read(folder / "model_index.json")
    usual = {part: known[0] for part, known in CLASSES.items()}
    usual["scheduler"] = str(_read(folder / SCHEDULER).get("_class_name"))
    return {part: (index.get(part) or [name])[-1] for part, name in usual.items()}


def schedule_problem(name: str, config: Mapping[str, Any]) -> str:
    """Returns why the losses are not defined for a noise schedule (method.md §5); empty if they are.

    Args:
        name: The scheduler's class in diffusers.
        config: Its configuration; keys left out have diffusers' defaults.
    """
    if name not in SCHEDULERS:
        return f"{name}: of another process than denoising diffusion; expected one such as {SCHEDULERS[0]}"
    kind = config.get("prediction_type", "epsilon")
    if kind not in PREDICTION_TYPES:
        return f"{name}: prediction_type is {kind!r}, expected {' or '.join(PREDICTION_TYPES)}"
    expected = "expected a schedule with signal left at every step"
    if config.get("rescale_betas_zero_snr"):
        return f"{name}: zero terminal SNR (rescale_betas_zero_snr is true), {expected}"
    betas = [*(config.get("trained_betas") or ()), config.get("beta_start", 0), config.get("beta_end", 0)]
    if not all(beta < 1 for beta in betas):
        return f"{name}: zero terminal SNR (a beta of 1), {expected}"
    return ""


def _classes(folder: Path) -> Iterator[str]:
    names = class_names(folder)
    for part, known in CLASSES.items():
        if (name := names[part]) not in known:
            yield f"{folder / 'model_index.json'}: {part} is a {name}, expected {' or '.join(known)}"


def _unet(folder: Path) -> Iterator[str]:
    file, text, vae = folder / "unet/config.json", _part(folder, "text_encoder"), _part(folder, "vae")
    config = _read(file)
    if not config:
        return
    yield from _extras(file, config, _NOT_IN_UNET)
    channels, latent = config.get("in_channels", 4), vae.get("latent_channels", 4)
    if channels != latent:
        kinds = {8: " (one that edits images)", 9: " (one for inpainting)"}
        reads = f"reads {channels} channels{kinds.get(channels, '')}"
        yield f"{file}: a UNet that {reads}, but the latents have {latent}"
    if (out := config.get("out_channels", 4)) != latent:
        yield f"{file}: a UNet that gives {out} channels, but the latents have {latent}"
    width, states = config.get("cross_attention_dim", 1280), text.get("hidden_size", 512)
    if text and width != states:
        yield f"{file}: cross_attention_dim is {width}, but the text encoder's states have {states} numbers"


def _vae(folder: Path) -> Iterator[str]:
    yield from _extras(folder / "vae/config.json", _part(folder, "vae"), _NOT_IN_VAE)


def _scheduler(folder: Path) -> Iterator[str]:
    config = _read(folder / SCHEDULER)
    if config and (problem := schedule_problem(class_names(folder)["scheduler"], config)):
        yield f"{folder / SCHEDULER}: {problem}"


def _extras(file: Path, config: Mapping[str, Any], extras: Mapping[str, str]) -> Iterator[str]:
    for key, why in extras.items():
        if (value := config.get(key)) is not None:
            yield f"{file}: {key} is {value!r}: {why}"


def _part(folder: Path, part: str) -> dict[str, Any]:
    return _read(folder / part / "config.json")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
