"""The ``tracer_b7`` backend: the paper's remover (TRACER with EfficientNet-B7; Lee, Shin and Han 2022).

The network is carvekit's, an optional extra; its published weights are read as safetensors only, which
``kedro models fetch`` makes of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from hypnos_pipeline.errors import Problem, UnusableNetwork
from hypnos_pipeline.imaging.mattes.weights import NETWORKS, missing_file

if TYPE_CHECKING:
    import torch

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def remove_background(
    photo: Image.Image,
    *,
    network: Path,
    file: Annotated[str, Field(pattern=r"^[^/\\]*$")] = "tracer_b7.safetensors",
    size: Annotated[int, Field(ge=64, le=4096, multiple_of=32)] = 640,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: Annotated[int, Field(ge=1, le=256)] = 2,
) -> np.ndarray:
    """Estimates a photo's matte, prepared as carvekit 4.1 does.

    Args:
        photo: RGB, upright.
        network: The safetensors file.
        file: Its name within the folder of networks.
        size: The photo is squeezed into a square of this side; 640 is the published network's.
        device: Where the network runs.
        threads: On the CPU.

    Returns:
        H×W float32 in [0, 1].
    """
    import torch
    from torchvision.transforms import functional

    tracer = load_tracer(network, device)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        image = functional.resize(functional.to_tensor(photo), [size, size])
        image = functional.normalize(image, _MEAN, _DEVIATION)
        with torch.no_grad():
            alpha = tracer(image[None].to(device))[0, 0].float().cpu().numpy()
    finally:
        torch.set_num_threads(before)
    full = Image.fromarray(alpha).resize(photo.size, Image.Resampling.BILINEAR)
    return np.clip(np.asarray(full, dtype=np.float32), 0.0, 1.0)


@lru_cache(maxsize=1)
def load_tracer(network: Path, device: str = "cpu") -> torch.nn.Module:
    """Loads TRACER-B7 from a safetensors file, float32, frozen, in evaluation mode.

    What the file has beside the network's own tensors (the published one: an edge detector) is ignored.

    Raises:
        UnusableNetwork: If it cannot be read, lacks tensors of the network, or has them in other shapes.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with torch.device("meta"):
        tracer = build_tracer()
    wanted = tracer.state_dict()
    try:
        found = load_file(network)
        if unfit := [name for name in wanted if name not in found or found[name].shape != wanted[name].shape]:
            text = f"{len(unfit)} of {len(wanted)} tensors are missing or of another shape: {unfit[0]}"
            raise ValueError(text)
    except (OSError, ValueError, SafetensorError) as error:
        raise UnusableNetwork(f"{network} is not TRACER-B7 ({error}); get it again") from error
    tracer.load_state_dict({name: found[name].float() for name in wanted}, assign=True)
    return tracer.eval().requires_grad_(False).to(device)


def build_tracer() -> torch.nn.Module:
    """Returns the network with random weights: 66.25 million parameters.

    Raises:
        ImportError: Without the extra ``tracer``.
    """
    with _untouched():
        from carvekit.ml.arch.tracerb7.efficientnet import EfficientEncoderB7
        from carvekit.ml.arch.tracerb7.tracer import TracerDecoder
    return TracerDecoder(EfficientEncoderB7())


@contextmanager
def _untouched() -> Iterator[None]:
    """Undoes what importing carvekit does: it seeds Python's and torch's draws, and sets cuDNN."""
    import torch

    state, cudnn = random.getstate(), torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.benchmark
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(state)
        cudnn.deterministic, cudnn.benchmark = flags


def network_file(options: dict[str, Any]) -> str:
    """Returns the name of the file of weights."""
    return options["file"]


def network_problems(network: Path, options: dict[str, Any]) -> list[Problem]:
    """Loads the network with the backend's options, and returns why it cannot be used; empty if it can."""
    if find_spec("carvekit") is None:
        fix = "`pip install 'hypnos-pipeline[tracer]'`, or choose another backend"
        return [Problem(NETWORKS, "tracer_b7: its code is not installed", fix)]
    if missing := missing_file(network):
        return missing
    import torch

    if options["device"] == "cuda" and not torch.cuda.is_available():
        return [Problem(NETWORKS, "device 'cuda', but torch sees no CUDA device", "choose 'cpu'")]
    try:
        load_tracer(network, options["device"])
    except UnusableNetwork as error:
        return [Problem(NETWORKS, error.message)]
    return []
