"""L_p's, FID's and LPIPS's networks with random weights and calibrated batch normalisation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.random.drawing import calibrate, drawn, synthetic_images
from hypnos_pipeline.randomness import generator

# What a timm folder records of its network.
_PUBLISHED = (
    "input_size", "mean", "std", "interpolation", "crop_pct", "num_classes", "first_conv", "classifier",
)  # fmt: skip


def save_random_timm(folder: Path, seed: int, architecture: str = "efficientnet_b1") -> None:
    """Writes a timm folder; what prepares images for the network is timm's own of that architecture."""
    import timm
    import torch
    from safetensors.torch import save_file

    network: Any = drawn(lambda: timm.create_model(architecture, pretrained=False), seed, architecture)
    known = network.pretrained_cfg
    mean, deviation = (torch.tensor(known[name]).view(3, 1, 1) for name in ("mean", "std"))
    calibrate(network, (synthetic_images(seed, known["input_size"][-1]) - mean) / deviation)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    content = {
        "architecture": architecture,
        "num_classes": known["num_classes"],
        "num_features": network.num_features,
        "pretrained_cfg": {name: known[name] for name in _PUBLISHED},
    }
    (folder / "config.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def save_random_inception(folder: Path, seed: int) -> None:
    """Writes FID's Inception."""
    from hypnos_pipeline.models.inception import EDGE, FidInceptionV3, save_fid_inception

    network = drawn(FidInceptionV3, seed, "inception")
    calibrate(network, synthetic_images(seed, EDGE) * 2 - 1)
    save_fid_inception(network.state_dict(), folder)


def save_random_lpips(folder: Path, seed: int) -> None:
    """Writes AlexNet with heads drawn from [0, 1): like the fitted ones, none is negative."""
    import torch
    from torchvision.models import alexnet

    from hypnos_pipeline.models.lpips import ALEXNET_TAPS, save_alexnet_lpips

    backbone = drawn(lambda: alexnet(weights=None), seed, "alexnet")
    widths = [backbone.features[tap - 1].out_channels for tap in ALEXNET_TAPS]
    draws = generator(seed, "random_networks/lpips_heads")
    heads = [torch.rand(width, generator=draws) for width in widths]
    save_alexnet_lpips(backbone.state_dict(), heads, folder)
