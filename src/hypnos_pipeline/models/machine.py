"""The machine that computed an artefact: what may move a number's last digits."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypnos_pipeline.models.reference import describe
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings

LIBRARIES = (
    "torch", "torchvision", "diffusers", "transformers", "timm", "bitsandbytes", "safetensors",
    "numpy", "scipy", "pandas", "pillow", "opencv-python-headless", "pymatting", "rembg",
)  # fmt: skip
"""Libraries whose arithmetic or file formats reach an artefact."""

PROCESSORS = Path("/proc/cpuinfo")
"""Linux alone has it."""
IDENTIFYING = ("cpu family", "model", "CPU implementer", "CPU part")


def describe_machine(runtime: RuntimeSettings) -> dict[str, Any]:
    """Returns the kind of machine, in JSON types; no name, time or place of it.

    Returns:
        ``cpu`` (its name, family and model), ``architecture``, ``capability`` (the vector instructions that
        torch uses), ``device`` (``cpu``, or the GPU's name), ``threads``, ``python`` and ``libraries``.
    """
    import torch

    on_gpu = runtime.device != "cpu" and torch.cuda.is_available()
    return {
        "cpu": cpu_kind(),
        "architecture": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "threads": runtime.threads,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def describe_origin(networks: Mapping[str, ModelReference], runtime: RuntimeSettings) -> dict[str, Any]:
    """Returns the networks and the machine behind an artefact, as reports record them, in JSON types."""
    described = {name: describe(network) for name, network in networks.items()}
    return {"networks": described, "machine": describe_machine(runtime)}


def cpu_kind() -> str:
    """Returns the processor's name, with family and model, because virtual machines shorten the name."""
    listing = PROCESSORS.read_text() if PROCESSORS.is_file() else ""
    first = listing.partition("\n\n")[0].splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first)}
    name = facts.get("model name") or _brand() or platform.processor() or platform.machine()
    exact = [f"{key} {facts[key]}" for key in IDENTIFYING if key in facts]
    return f"{name} ({', '.join(exact)})" if exact else name


def _brand() -> str:
    """Returns the processor's name as macOS knows it, empty elsewhere."""
    if sys.platform != "darwin":
        return ""
    command = ["sysctl", "-n", "machdep.cpu.brand_string"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
