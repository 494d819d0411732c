"""How large a study's networks are, read from their headers; nothing is loaded."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.reference import is_present
from hypnos_pipeline.models.weight_files import PARTS, SUFFIX, stored_tensors, weight_files
from hypnos_pipeline.study.parts import ValidParts

PUBLISHED = {
    "dino": 21_665_664, "clip": 427_616_513, "clip_b32": 151_277_313,
    "inception": 21_816_928, "lpips": 2_470_848,
}  # fmt: skip
"""Parameters of the metrics' networks in ``paper``."""
SMALL = 75_000_000
"""More than any other network of a study has."""
UNET_WIDTH, DECODER_WIDTH = 320, 128
"""Channels of Stable Diffusion 1.5 at full resolution: those that the sizes of activations were taken at."""


@dataclass(frozen=True)
class NetworkSizes:
    """Parameters of the networks that a training step holds, and the widths its activations grow with.

    The defaults are Stable Diffusion 1.5's and EfficientNet-B1's.

    Attributes:
        unet: Parameters.
        text_encoder: Parameters.
        vae: Parameters.
        perceptual: Parameters.
        metrics: Parameters of all the metrics' networks together.
        unet_width: Channels of the UNet's first level.
        decoder_width: Channels of the VAE's first level.
        levels: Of the VAE; each but the last halves the image.
        assumed: Whether the text-to-image model is not here, so that Stable Diffusion 1.5 stands in.
    """

    unet: int = 859_520_964
    text_encoder: int = 123_060_480
    vae: int = 83_653_863
    perceptual: int = 7_794_184
    metrics: int = sum(PUBLISHED.values())
    unet_width: int = UNET_WIDTH
    decoder_width: int = DECODER_WIDTH
    levels: int = 4
    assumed: bool = True

    @property
    def trained(self) -> int:
        """Parameters of a full finetune: UNet and text encoder."""
        return self.unet + self.text_encoder

    @property
    def model(self) -> int:
        """Parameters of the text-to-image model, as a finetune saves them."""
        return self.trained + self.vae


def network_sizes(parts: ValidParts) -> NetworkSizes:
    """Reads the sizes of the study's networks; where one is not here, the paper's stands in."""
    sizes: dict[str, Any] = {}
    model, perceptual = (_folder(parts, key) for key in ("text_to_image", "perceptual"))
    try:
        sizes |= {
            **{part: _parameters(model / part, stem) for part, stem in PARTS.items()},
            "unet_width": _channels(model / "unet")[0],
            "decoder_width": _channels(model / "vae")[0],
            "levels": len(_channels(model / "vae")),
            "assumed": False,
        }
        sizes["perceptual"] = _parameters(perceptual, "model")
    except (OSError, ValueError, KeyError):  # absent or damaged, which is reported for the networks
        pass
    return NetworkSizes(**sizes, metrics=sum(map(partial(_metric_network, parts), PUBLISHED)))


def _metric_network(parts: ValidParts, key: str) -> int:
    """Counts a metric's network; where it is not here, the paper's stands in."""
    try:
        return _parameters(_folder(parts, key), "model")
    except (OSError, ValueError, KeyError):
        return PUBLISHED[key]


def absent_bytes(parts: ValidParts, sizes: NetworkSizes) -> int:
    """Returns about how much is still to be fetched or made, as float32; files as downloaded not counted."""
    known = PUBLISHED | {"text_to_image": sizes.model, "perceptual": sizes.perceptual}
    absent = [
        key for key, reference in parts.models.items() if reference.fetched and not is_present(reference)
    ]
    return 4 * sum(known.get(key, SMALL) for key in absent)


def parameters(file: Path) -> int:
    """Counts the numbers in a safetensors file by its header.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is no safetensors file.
    """
    return sum(math.prod(tensor["shape"]) for tensor in stored_tensors([file]).values())


def _parameters(folder: Path, stem: str) -> int:
    found = weight_files(folder, stem)
    if found is None:
        raise FileNotFoundError(folder / stem)
    return sum(parameters(folder / name) for name in found.names if name.endswith(SUFFIX))


def _folder(parts: ValidParts, key: str) -> Path:
    return Path(parts.models[key].folder) if key in parts.models else Path("no such network")


def _channels(folder: Path) -> list[int]:
    """Returns the channels of a network's levels, the first at full resolution."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))["block_out_channels"]
