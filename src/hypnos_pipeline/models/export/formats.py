"""The formats that a finetuned model is exported in, and the writing of each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hypnos_pipeline.errors import ExportError
from hypnos_pipeline.models.export.card import Origin, architecture, header, model_card
from hypnos_pipeline.models.export.low_rank import LowRank
from hypnos_pipeline.models.export.original import original_weights
from hypnos_pipeline.models.export.settings import ExportSettings
from hypnos_pipeline.models.finetuned import LearnedToken
from hypnos_pipeline.models.text_to_image import TextToImage, save_text_to_image
from hypnos_pipeline.storage.replacing import replaced_file, replaced_folder

if TYPE_CHECKING:
    import torch

Format = Literal["diffusers", "single-file", "lora", "embedding"]
Precision = Literal["float16", "float32"]

DESCRIPTION = "export.json"
"""In a diffusers folder: where it came from. A folder with it is an export, which may be replaced."""


def write_diffusers(model: TextToImage, folder: Path, origin: Origin, precision: Precision) -> None:
    """Replaces a folder by a plain diffusers one, with a model card; in float32 these are the very weights.

    The model is changed to the precision.

    Raises:
        ExportError: If a weight does not fit the precision.
    """
    import torch

    dtype = getattr(torch, precision)
    for network in (model.unet, model.text_encoder, model.vae):
        cast(network.state_dict(), dtype)
        torch.nn.Module.to(network, dtype)  # diffusers' own warns of modules to keep in float32, even of none
    with replaced_folder(folder) as unfinished:
        save_text_to_image(model, unfinished)
        for file in unfinished.rglob("*.safetensors"):
            _let_others_read(file)
        (unfinished / "README.md").write_text(model_card(origin, precision), encoding="utf-8")
        text = json.dumps(origin.facts(), indent=1, ensure_ascii=False)
        (unfinished / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def write_single_file(model: TextToImage, file: Path, origin: Origin, precision: Precision) -> None:
    """Replaces a file by a checkpoint in the original Stable Diffusion layout.

    Raises:
        ExportError: If the layout has no place for a weight, or one does not fit the precision.
    """
    try:
        weights = original_weights(model)
    except ValueError as error:
        raise ExportError(f"{error}; --format diffusers keeps every model") from error
    _write(weights, file, header(origin, model), precision)


def write_lora(
    lora: LowRank, base: TextToImage, file: Path, origin: Origin, ranks: ExportSettings, precision: Precision
) -> None:
    """Replaces a file by a LoRA, with the metadata that kohya's tools write.

    Raises:
        ExportError: If a weight does not fit the precision.
    """
    arguments = {"conv_dim": str(ranks.conv_rank), "conv_alpha": str(float(lora.alpha))}
    metadata = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(ranks.rank),
        "ss_network_alpha": str(float(lora.alpha)),
        "ss_network_args": json.dumps(arguments),
        "ss_v2": "False",
        "ss_sd_model_name": str(origin.base["id"]),
        "ss_output_name": origin.title,
        "ss_tag_frequency": json.dumps({origin.subject: {origin.phrase: 1}}),
    }
    if architecture(base) == "stable-diffusion-v1":
        metadata["ss_base_model_version"] = "sd_v1"
    _write(lora.weights, file, metadata | header(origin, base, "lora"), precision)


def write_embedding(
    learned: LearnedToken, base: TextToImage, file: Path, origin: Origin, precision: Precision
) -> None:
    """Replaces a file by one learned token; the tensor's name is its text, as diffusers reads it.

    Raises:
        ExportError: If it does not fit the precision.
    """
    row = {learned.token: learned.embedding[None]}
    _write(row, file, header(origin, base, "textual-inversion"), precision)


def cast(weights: Mapping[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Returns weights in another floating-point type, on the CPU.

    Raises:
        ExportError: Naming a weight that is not finite, or becomes so.
    """
    import torch

    converted = {}
    for name, tensor in weights.items():
        converted[name] = tensor.detach().to("cpu", dtype).contiguous()
        if not bool(torch.isfinite(converted[name]).all()):
            wrong, name_of = "is not finite", str(dtype).removeprefix("torch.")
            fix = "finetune it anew"
            if bool(torch.isfinite(tensor).all()):
                wrong, fix = f"is too large for {name_of}", "export with --dtype float32"
            raise ExportError(f"{name} {wrong}; {fix}")
    return converted


def _write(
    weights: Mapping[str, torch.Tensor], file: Path, metadata: dict[str, str], precision: Precision
) -> None:
    import torch
    from safetensors.torch import save_file

    converted = cast(weights, getattr(torch, precision))
    with replaced_file(file) as unfinished:
        save_file(converted, unfinished, metadata={"format": "pt"} | metadata)
        _let_others_read(unfinished)


def _let_others_read(file: Path) -> None:
    """Gives a file the permissions of any new one; safetensors keeps what it writes to its owner."""
    mask = os.umask(0)
    os.umask(mask)
    file.chmod(0o666 & ~mask)
