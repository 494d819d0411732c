"""Tiny networks in the formats of the background removers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


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
