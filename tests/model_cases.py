"""What people have as a text-to-image model and cannot be loaded: each with its message."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from hypnos_pipeline.errors import ModelError, NotFinite, UnsupportedModel, UnusableNetwork

UNET, VAE = (f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
TEXT = "text_encoder/model.safetensors"

Change = Callable[[Path], object]


def edit(name: str, **changes: Any) -> Change:
    """Changes keys of a JSON file."""

    def change(folder: Path) -> None:
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def weights(name: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Change:
    """Replaces the tensors of a file."""
    return lambda folder: save_file(change(load_file(folder / name)), folder / name, {"format": "pt"})


def with_nan(tensors: dict[str, torch.Tensor], name: str, value: float = float("nan")):
    tensors[name].view(-1)[0] = value
    return tensors


def without(tensors: dict[str, torch.Tensor], name: str):
    return {key: value for key, value in tensors.items() if key != name}


def renamed(tensors: dict[str, torch.Tensor], add: str = "", remove: str = ""):
    return {add + key.removeprefix(remove): value for key, value in tensors.items()}


INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
HEADERS: dict[str, tuple[Change, type[ModelError], str]] = {
    "SDXL": (
        edit(INDEX, _class_name="StableDiffusionXLPipeline"),
        UnsupportedModel,
        "a StableDiffusionXLPipeline, expected StableDiffusionPipeline; choose a model of Stable Diffusion",
    ),
    "SDXL's UNet": (
        edit("unet/config.json", addition_embed_type="text_time"),
        UnsupportedModel,
        "unet/config.json: addition_embed_type is 'text_time': it reads more than a prompt",
    ),
    "an upscaler": (
        edit("unet/config.json", num_class_embeds=1000),
        UnsupportedModel,
        "num_class_embeds is 1000: it reads a noise level",
    ),
    "inpainting": (
        edit("unet/config.json", in_channels=9),
        UnsupportedModel,
        r"reads 9 channels \(one for inpainting\), but the latents have 4",
    ),
    "several text encoders": (
        edit("unet/config.json", cross_attention_dim=[32, 64]),
        UnsupportedModel,
        r"cross_attention_dim is \[32, 64\], but the text encoder's states have 32 numbers",
    ),
    "another text encoder": (
        edit(INDEX, text_encoder=["transformers", "T5EncoderModel"]),
        UnsupportedModel,
        "text_encoder is a T5EncoderModel, expected CLIPTextModel",
    ),
    "shifted latents": (
        edit("vae/config.json", shift_factor=0.1159),
        UnsupportedModel,
        r"vae/config.json: shift_factor is 0.1159: its latents are shifted",
    ),
    "zero terminal SNR": (
        edit(SCHEDULER, rescale_betas_zero_snr=True),
        UnsupportedModel,
        "zero terminal SNR .rescale_betas_zero_snr is true.",
    ),
    "a last beta of 1": (
        edit(SCHEDULER, trained_betas=[0.1, 1.0]),
        UnsupportedModel,
        "zero terminal SNR .a beta of 1.",
    ),
    "predicted samples": (
        edit(SCHEDULER, prediction_type="sample"),
        UnsupportedModel,
        "prediction_type is 'sample', expected epsilon or v_prediction",
    ),
    "flow matching": (
        edit(INDEX, scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"]),
        UnsupportedModel,
        "FlowMatchEulerDiscreteScheduler: of another process",
    ),
    "renamed weights": (
        weights(TEXT, partial(renamed, add="someone.elses.")),
        UnusableNetwork,
        f"{TEXT}: (no weight embeddings.token|weights are not those .*: 36 missing .embeddings.pos)",
    ),
}  # fmt: skip
"""What is wrong already shows in configurations and headers: before any work, without loading."""

LOADED: dict[str, tuple[Change, type[ModelError], str]] = {
    "NaN in the decoder": (
        weights(VAE, partial(with_nan, name="decoder.conv_out.bias")),
        NotFinite,
        rf"{VAE}: 1 of \d+ weights hold NaN or infinity .decoder.conv_out.bias, stored as float32.",
    ),
    "infinity in the UNet": (
        weights(UNET, partial(with_nan, name="conv_out.weight", value=float("inf"))),
        NotFinite,
        rf"{UNET}: 1 of \d+ weights hold NaN or infinity .conv_out.weight",
    ),
    "a weight is missing": (
        weights(UNET, partial(without, name="mid_block.resnets.0.conv1.weight")),
        UnusableNetwork,
        rf"{UNET}: weights are not those of the network: 1 missing .mid_block.resnets.0.conv1.weight\)",
    ),
    "a weight too many": (
        weights(VAE, lambda tensors: tensors | {"decoder.extra": torch.zeros(2)}),
        UnusableNetwork,
        rf"{VAE}: weights are not those of the network: 1 unknown .decoder.extra\)",
    ),
    "a weight of another shape": (
        weights(UNET, lambda tensors: tensors | {"conv_out.bias": torch.zeros(5)}),
        UnusableNetwork,
        rf"{UNET}: weights are not those of the network: 1 of another shape .conv_out.bias\)",
    ),
}
"""What is wrong shows when the network is loaded."""


EVERY = HEADERS | LOADED


def as_variant(folder: Path, word: str = "fp16") -> None:
    for name in (UNET, VAE, TEXT):
        file = folder / name
        halves = {key: value.half() for key, value in load_file(file).items()}
        save_file(halves, file.with_name(file.name.replace(".", f".{word}.", 1)), {"format": "pt"})
        file.unlink()
