"""The ``rembg`` backend: the salient-object networks of that library by name, or one of the user's own.

rembg downloads a network that it does not find. Here it is given the file, so a run never downloads anything.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from hypnos_pipeline.errors import Problem, UnusableNetwork
from hypnos_pipeline.imaging.mattes.weights import NETWORKS, missing_file

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession

logger = logging.getLogger(__name__)

Model = Literal[
    "u2net", "u2netp", "u2net_human_seg", "u2net_cloth_seg", "silueta", "isnet-general-use", "isnet-anime",
    "bria-rmbg", "birefnet-general", "birefnet-general-fp16", "birefnet-general-lite", "birefnet-portrait",
    "birefnet-dis", "birefnet-hrsod", "birefnet-cod", "birefnet-massive",
    "u2net_custom", "dis_custom", "ben_custom",
]  # fmt: skip
"""rembg's networks that find a subject by themselves, on this machine. Its ``sam`` wants to be shown a point,
its ``withoutbg`` and ``atlascloud`` send photos away. The ``_custom`` ones are the user's own."""

Byte = Annotated[int, Field(ge=0, le=255)]
_PROVIDERS = {"cpu": ["CPUExecutionProvider"], "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"]}


def remove_background(
    photo: Image.Image,
    *,
    network: Path,
    model: Model,
    file: Annotated[str, Field(pattern=r"^[^/\\]*$")] = "",
    alpha_matting: bool = False,
    foreground_threshold: Byte = 240,
    background_threshold: Byte = 10,
    erode_size: Annotated[int, Field(ge=0, le=1000)] = 10,
    post_process: bool = False,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: Annotated[int, Field(ge=1, le=256)] = 2,
) -> np.ndarray:
    """Estimates a photo's matte with one of rembg's networks.

    rembg stretches every prediction to [0, 1]; one that is the same everywhere comes back as an empty matte.

    Args:
        photo: RGB, upright.
        network: The ONNX file.
        model: Which network it is, by rembg's name: this decides on size and normalisation of its input.
        file: Name of the file within the folder of networks; ``<model>.onnx`` if empty.
        alpha_matting: Refine edges by closed-form matting, at the photo's full size (slow on large photos).
        foreground_threshold: With ``alpha_matting``, values above are surely the subject's.
        background_threshold: Values below are surely the background's.
        erode_size: Pixels by which both are then shrunk.
        post_process: Smooth the outline and make the matte black and white, by rembg's opening and blur.
        device: ``cuda`` wants onnxruntime's GPU build.
        threads: On the CPU.

    Returns:
        H×W float32 in [0, 1].

    Raises:
        UnusableNetwork: If the file is of another network than ``model``.
    """
    from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

    session = open_session(network, model, device, threads)
    try:
        with np.errstate(invalid="ignore", divide="ignore"):  # a flat prediction, which the guards report
            masks = session.predict(photo)
    except (InvalidArgument, IndexError, TypeError, ValueError) as problem:  # other sizes or axes
        raise UnusableNetwork(str(_unfit(network, model, problem))) from problem
    if post_process:
        masks = [_post_processed(mask) for mask in masks]
    if alpha_matting:
        masks = [
            _refined(photo, mask, foreground_threshold, background_threshold, erode_size) for mask in masks
        ]
    return np.max([np.asarray(mask, dtype=np.float32) / 255 for mask in masks], axis=0)


def _post_processed(mask: Image.Image) -> Image.Image:
    from rembg.bg import post_process

    return Image.fromarray(post_process(np.array(mask)))


def _refined(photo: Image.Image, mask: Image.Image, *trimap: int) -> Image.Image:
    """Refines a matte by rembg's closed-form matting, which needs some sure foreground and background."""
    from rembg.bg import alpha_matting_cutout

    try:
        return alpha_matting_cutout(photo, mask, *trimap).getchannel("A")
    except ValueError as problem:  # rembg's own command ignores it in silence
        logger.warning("alpha_matting left a matte as it was: %s", problem)
        return mask


@lru_cache(maxsize=2)
def open_session(network: Path, model: str, device: str, threads: int) -> BaseSession:
    """Opens rembg's session of a network, by rembg's name, on an ONNX file that is already here."""
    from onnxruntime import SessionOptions
    from rembg.sessions import sessions

    class LocalSession(sessions[model]):
        """The session that never downloads."""

        @classmethod
        def download_models(cls, *args: Any, **kwargs: Any) -> str:
            return str(network)

    options = SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return LocalSession(model, options, providers=list(_PROVIDERS[device]), model_path=str(network))


def network_file(options: dict[str, Any]) -> str:
    """Returns the name of the file of weights."""
    return options["file"] or f"{options['model']}.onnx"


def network_problems(network: Path, options: dict[str, Any]) -> list[Problem]:
    """Opens the network with the backend's options, and returns why it cannot be used; empty if it can."""
    if missing := missing_file(network):
        return missing
    import onnxruntime

    if _PROVIDERS[options["device"]][0] not in onnxruntime.get_available_providers():
        what = "device 'cuda', but this onnxruntime has no CUDA"
        return [Problem(NETWORKS, what, "install onnxruntime-gpu, or choose 'cpu'")]
    try:
        session = open_session(network, options["model"], options["device"], options["threads"])
    except Exception as error:  # onnxruntime has a kind of its own for every way to be no ONNX
        what = f"{network} is no ONNX file that can be run ({_short(error)})"
        return [Problem(NETWORKS, what, "get it again")]
    (inputs, *others), outputs = session.inner_session.get_inputs(), session.inner_session.get_outputs()
    if others or len(inputs.shape) != 4 or len(outputs[0].shape) != 4:
        shapes = f"from {[each.shape for each in (inputs, *others)]} to {outputs[0].shape}"
        return [_unfit(network, options["model"], f"it goes {shapes}")]
    return []


def _unfit(network: Path, model: str, reason: object) -> Problem:
    what = f"{network} is of another network than options.model names ({_short(reason)})"
    return Problem(NETWORKS, what, f"expected the file of {model!r}, one image of 3 channels to one map")


def _short(reason: object) -> str:
    text = " ".join(str(reason).split())
    return text if len(text) <= 160 else text[:157] + "..."
