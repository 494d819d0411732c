"""The ``network`` backend: a small network of one's own for small images, such as samples of ``mini``.

It was trained on the miniature world's exact mattes (``miniworld.train.matting``), and looks at images in a
fixed small size, so it is no remover for real photos.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from PIL import Image
from pydantic import Field

from hypnos_pipeline.errors import Problem, UnusableNetwork
from hypnos_pipeline.imaging.mattes.weights import NETWORKS, load_weights, missing_file

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.mattes.unet import MatteUNet

FILE = "network.safetensors"
ARCHITECTURE = "architecture"
"""The entry of the file's metadata, JSON: the U-Net's ``channels``, and ``size``, the side in pixels of the
square that images are squeezed into."""
_BATCH = 32

FileName = Annotated[str, Field(pattern=r"^[^/\\]*$")]


def remove_background(photo: Image.Image, *, network: Path, file: FileName = FILE) -> np.ndarray:
    """Estimates a photo's matte.

    Args:
        photo: RGB, upright, of any size.
        network: The safetensors file.
        file: Its name within the folder of networks.

    Returns:
        H×W float32 in [0, 1].
    """
    return remove_backgrounds(np.asarray(photo)[None], network=network, file=file)[0]


def remove_backgrounds(images: np.ndarray, *, network: Path, file: FileName = FILE) -> np.ndarray:
    """Estimates the mattes of images N×H×W×3 uint8, on the CPU: N×H×W float32 in [0, 1]."""
    import torch
    from torch.nn.functional import interpolate

    unet, size = load_network(network)
    mattes = np.zeros(images.shape[:3], dtype=np.float32)
    for start in range(0, len(images), _BATCH):
        batch = torch.from_numpy(images[start : start + _BATCH].copy()).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            small = interpolate(batch, size=(size, size), mode="bilinear", antialias=True)
            found = torch.sigmoid(unet(small))
            full = interpolate(found, size=images.shape[1:3], mode="bilinear", antialias=True)
        mattes[start : start + _BATCH] = full[:, 0].clamp(0, 1).numpy()
    return mattes


@lru_cache(maxsize=1)
def load_network(network: Path) -> tuple[MatteUNet, int]:
    """Loads the network from a safetensors file, float32, frozen; returns it and the size of its images.

    Raises:
        UnusableNetwork: If it cannot be read, or is not of this architecture.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    from hypnos_pipeline.imaging.mattes.unet import MatteUNet

    try:
        with safe_open(network, "pt") as opened:
            made = json.loads(opened.metadata()[ARCHITECTURE])
        channels, size = tuple(made["channels"]), int(made["size"])
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UnusableNetwork(f"{network} is not the network of the miniature world; get it again") from error
    with torch.device("meta"):
        unet = MatteUNet(channels)
    load_weights(unet, network, "the network of the miniature world")
    return unet, size


def save_network(unet: MatteUNet, size: int, channels: tuple[int, ...], file: Path) -> None:
    """Writes the network in half precision as :func:`load_network` reads it."""
    import torch
    from safetensors.torch import save_file

    half = {k: v.to(torch.float16) if v.is_floating_point() else v for k, v in unet.state_dict().items()}
    made = json.dumps({"channels": channels, "size": size})
    save_file({name: each.contiguous() for name, each in half.items()}, file, metadata={ARCHITECTURE: made})


def network_file(options: dict[str, Any]) -> str:
    """Returns the name of the file of weights."""
    return options["file"]


def network_problems(network: Path, options: dict[str, Any]) -> list[Problem]:
    """Loads the network, and returns why it cannot be used; empty if it can."""
    if missing := missing_file(network):
        return missing
    try:
        load_network(network)
    except UnusableNetwork as error:
        return [Problem(NETWORKS, error.message)]
    return []
