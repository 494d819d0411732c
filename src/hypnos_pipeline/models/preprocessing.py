"""An image encoder's own preprocessing, for whole batches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import UnusableNetwork

if TYPE_CHECKING:
    import torch

CONFIGURATION = "preprocessor_config.json"
# DINO's evaluation crops 224 out of 256; its hub configuration names only the 224.
CUSTOMARY_MARGIN = 256 / 224


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter edge (Pillow's bicubic), crop the centre, normalise.

    Attributes:
        resize: Shorter edge after resizing, pixels; null leaves the size.
        crop: Edge of the centre crop, pixels; null leaves the frame.
        mean: Per channel, of images in [0, 1].
        std: Per channel, of images in [0, 1].
    """

    resize: int | None
    crop: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Prepares images (float, [0, 1], N×3×H×W) for the network."""
        prepared = crop_centre(resize_shorter_edge(images, self.resize), self.crop)
        mean = prepared.new_tensor(self.mean).view(-1, 1, 1)
        std = prepared.new_tensor(self.std).view(-1, 1, 1)
        return (prepared - mean) / std


def read_preprocessing(folder: Path) -> Preprocessing:
    """Reads the ``preprocessor_config.json`` of a transformers folder.

    An old configuration that names a size but does not mention cropping (facebook/dino-vits16) gets the
    field's convention (method.md §9): resize to 256/224 of the size, then crop.

    Raises:
        UnusableNetwork: If the folder has none, or its size is not square.
    """
    file = folder / CONFIGURATION
    if not file.is_file():
        raise UnusableNetwork(f"{folder}: no {CONFIGURATION}, by which images are prepared for the network")
    content = json.loads(file.read_text(encoding="utf-8"))
    size = _edge(content.get("size"), file) if content.get("do_resize", True) else None
    if "do_center_crop" in content:
        crop = _edge(content.get("crop_size", size), file) if content["do_center_crop"] else None
    elif isinstance(content.get("size"), int):
        size, crop = round(content["size"] * CUSTOMARY_MARGIN), content["size"]
    else:
        crop = None
    mean, std = (0.0,) * 3, (1.0,) * 3
    if content.get("do_normalize", True):
        mean, std = tuple(content["image_mean"]), tuple(content["image_std"])
    return Preprocessing(size, crop, mean, std)


def resize_shorter_edge(images: torch.Tensor, edge: int | None) -> torch.Tensor:
    """Resizes images (float, [0, 1], N×3×H×W) by Pillow's bicubic, as the encoders' authors did.

    Pillow works on 8 bits, so images that are resized are rounded to 256 levels before and after. torch's
    antialiased bicubic in float is up to four levels off, where Pillow clips between its two passes.
    """
    import numpy as np
    import torch
    from PIL import Image

    height, width = images.shape[-2:]
    shorter = min(height, width)
    if edge is None or shorter == edge:
        return images
    size = (width * edge // shorter, height * edge // shorter)
    pixels = images.mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    resized = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in pixels]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).to(images).div(255)


def crop_centre(images: torch.Tensor, edge: int | None) -> torch.Tensor:
    """Cuts the central square of ``edge`` pixels out of images (N×3×H×W)."""
    if edge is None:
        return images
    top, left = (images.shape[-2] - edge) // 2, (images.shape[-1] - edge) // 2
    return images[..., top : top + edge, left : left + edge]


def _edge(size: Any, file: Path) -> int:
    if isinstance(size, dict):
        edges = set(size.values())
        if len(edges) == 1:
            return edges.pop()
        raise UnusableNetwork(f"{file}: size is {size}, expected one edge or a square")
    if not isinstance(size, int):
        raise UnusableNetwork(f"{file}: size is {size!r}, expected a number of pixels")
    return size
