"""The machine that computed an artefact: what may move a number's last digits."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.settings import RuntimeSettings

LIBRARIES = (
    "torch", "torchvision", "diffusers", "transformers", "timm", "bitsandbytes", "safetensors",
    "numpy", "scipy", "pandas", "pillow", "opencv-python-headless", "pymatting", "rembg",
)  # fmt: skip
"""Libraries whose arithmetic or file formats reach an artefact."""


def describe_machine(runtime: RuntimeSettings) -> dict[str, Any]:
    """Returns the kind of machine, in JSON types; no name, time or place of it.

    Args:
        runtime: Device and threads as configured.

    Returns:
        ``cpu`` (the model's name), ``architecture``, ``capability`` (the vector instructions that torch
        uses), ``device`` (``cpu``, or the GPU's name), ``threads``, ``python`` and ``libraries``.
    """
    import torch

    on_gpu = runtime.device != "cpu" and torch.cuda.is_available()
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "threads": runtime.threads,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _cpu_model() -> str:
    """Returns the processor's model name; Linux alone has it in a file."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
