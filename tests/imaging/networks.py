"""Tiny networks in the formats of the background removers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch

_FIRST_BLOCK = (0, 4, 11, 18, 28, 38, 51)
_ENCODER_LAYERS = {
    "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
    "se.conv_reduce": "_se_reduce", "se.conv_expand": "_se_expand",
    "conv_pwl": "_project_conv", "bn3": "_bn2",
}  # fmt: skip
_FIRST_STAGE_LAYERS = _ENCODER_LAYERS | {"conv_pw": "_project_conv", "bn1": "_bn1", "bn2": "_bn2"}


def save_onnx(file: Path, kind: str = "brightness", side: int | str = "side") -> Path:
    """Writes a network from 1×3×side×side to a map of one channel.

    Args:
        file: Where to.
        kind: ``brightness``, the channels' mean; ``flat``, the same everywhere; ``vector``, no map at all.
        side: A number makes it accept that size alone.
    """
    from onnx import TensorProto, helper, save

    over, shape = ([1, 2], [1, side]) if kind == "vector" else ([1], [1, 1, side, side])
    axes = helper.make_tensor("axes", TensorProto.INT64, [len(over)], over)
    factor = helper.make_tensor("factor", TensorProto.FLOAT, [], [float(kind != "flat")])
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=int(kind != "vector")),
        helper.make_node("Mul", ["mean", "factor"], ["map"]),
    ]
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])
    found = helper.make_tensor_value_info("map", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, kind, [given], [found], [axes, factor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    file.parent.mkdir(parents=True, exist_ok=True)
    save(model, str(file))
    return file


def bright_disc(width: int = 96, height: int = 64, index: int = 0) -> tuple[Image.Image, np.ndarray]:
    """A bright disc on a dark ground, and where it is."""
    y, x = np.mgrid[:height, :width]
    inside = (x - width * 0.55) ** 2 + (y - height * 0.5) ** 2 < (0.3 * height) ** 2
    pixels = np.where(inside[..., None], (220, 230, 210), (20 + index, 10, 30)).astype(np.uint8)
    return Image.fromarray(pixels), inside


def save_tracer(folder: Path) -> Path:
    """Writes ``published_tracer`` into a folder, as ``kedro models fetch`` keeps the published file."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(published_tracer(), folder / "tracer_b7.safetensors")
    return folder


def _published_name(name: str) -> str:
    """The name that the published file has for one of the network's tensors."""
    if found := re.fullmatch(r"encoder\.blocks\.(\d)\.(\d+)\.(.+)\.(\w+)", name):
        stage, block, layer, tensor = int(found[1]), int(found[2]), found[3], found[4]
        layers = _FIRST_STAGE_LAYERS if stage == 0 else _ENCODER_LAYERS
        return f"encoder._blocks.{_FIRST_BLOCK[stage] + block}.{layers[layer]}.{tensor}"
    return name.replace("encoder.conv_stem.", "encoder._conv_stem.").replace("encoder.bn1.", "encoder._bn0.")


def published_tracer() -> dict[str, torch.Tensor]:
    """TRACER-B7's tensors by their published names, an edge detector among them; an image gets through."""
    import torch

    from hypnos_pipeline.imaging.mattes.tracer_network import Tracer

    with torch.device("meta"):
        shapes = {_published_name(name): tensor for name, tensor in Tracer().state_dict().items()}
    generator, weights = torch.Generator().manual_seed(3), {"encoder.edge": torch.zeros(2)}
    for name in sorted(shapes):
        shape = shapes[name].shape
        if len(shape) > 1:
            variance = 24 if "spatial_v" in name else 1.5  # so that the maps reach far to both sides
            weights[name] = torch.randn(shape, generator=generator) * (variance / shape[1:].numel()) ** 0.5
        else:
            least = 0.75 if name.endswith(("weight", "var")) else -0.25
            weights[name] = torch.rand(shape, generator=generator) * 0.5 + least
    return weights
