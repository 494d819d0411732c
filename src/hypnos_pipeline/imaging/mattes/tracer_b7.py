"""The ``tracer_b7`` backend: the paper's remover (3.3), TRACER with EfficientNet-B7.

Its published weights are read as safetensors only, to which ``kedro models fetch`` converts them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from hypnos_pipeline.errors import Problem, UnusableNetwork
from hypnos_pipeline.imaging.mattes.weights import NETWORKS, load_weights, missing_file

if TYPE_CHECKING:
    from hypnos_pipeline.imaging.mattes.tracer_network import Tracer

_MEAN, _DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def remove_background(
    photo: Image.Image,
    *,
    network: Path,
    file: Annotated[str, Field(pattern=r"^[^/\\]*$")] = "tracer_b7.safetensors",
    size: Annotated[int, Field(ge=64, le=4096, multiple_of=32)] = 640,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: Annotated[int, Field(ge=1, le=256)] = 2,
) -> np.ndarray:
    """Estimates a photo's matte, prepared as carvekit 4.1 does.

    The network leaves the GPU after each photo, so that its memory is free in the stages that follow.

    Args:
        photo: RGB, upright.
        network: The safetensors file.
        file: Its name within the folder of networks.
        size: The photo is squeezed into a square of this side; 640 is the published network's.
        device: Where the network runs; ``auto`` takes CUDA where present.
        threads: On the CPU.

    Returns:
        H×W float32 in [0, 1].
    """
    import torch
    from torchvision.transforms import functional

    tracer = load_tracer(network)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        image = functional.resize(functional.to_tensor(photo), [size, size])
        image = functional.normalize(image, _MEAN, _DEVIATION)
        with torch.no_grad():
            alpha = tracer.to(device)(image[None].to(device))[0, 0].cpu().numpy()
    finally:
        tracer.to("cpu")
        torch.set_num_threads(before)
    full = Image.fromarray(alpha).resize(photo.size, Image.Resampling.BILINEAR)
    return np.clip(np.asarray(full, dtype=np.float32), 0.0, 1.0)


@lru_cache(maxsize=1)
def load_tracer(network: Path) -> Tracer:
    """Loads TRACER-B7 from a safetensors file, float32, frozen, in evaluation mode, on the CPU.

    What the file has beside the network's own tensors (the published one: an edge detector) is ignored.

    Raises:
        UnusableNetwork: If it cannot be read, lacks tensors of the network, or has them in other shapes or
            with values that are no numbers.
    """
    import torch

    from hypnos_pipeline.imaging.mattes.tracer_network import Tracer, renamed

    with torch.device("meta"):
        tracer = Tracer()
    load_weights(tracer, network, "TRACER-B7", renamed)
    return tracer


def network_file(options: dict[str, Any]) -> str:
    """Returns the name of the file of weights."""
    return options["file"]


def network_problems(network: Path, options: dict[str, Any]) -> list[Problem]:
    """Loads the network with the backend's options, and returns why it cannot be used; empty if it can."""
    if missing := missing_file(network):
        return missing
    import torch

    if options["device"] == "cuda" and not torch.cuda.is_available():
        return [Problem(NETWORKS, "device 'cuda', but torch sees no CUDA device", "choose 'auto' or 'cpu'")]
    try:
        load_tracer(network)
    except UnusableNetwork as error:
        return [Problem(NETWORKS, error.message)]
    return []
