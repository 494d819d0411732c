"""The machine: what computes, in which precision, on how many cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypnos_pipeline.checks import preflight
from hypnos_pipeline.checks.check import Check, fails, ok, warn
from hypnos_pipeline.checks.sizes import network_sizes
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.study.parts import SoundParts

SLOW_ON_CPU = 300_000_000
"""Parameters of a text-to-image model beyond which nobody would wait for a CPU."""


def computes_on_gpu(runtime: RuntimeSettings) -> bool:
    """Returns whether the study's networks will run on a GPU here."""
    import torch

    return runtime.device != "cpu" and torch.cuda.is_available()


def machine_checks(parts: SoundParts) -> list[Check]:
    """Looks at device, precision, optimisers and threads.

    Args:
        parts: The study; where its ``runtime`` is faulty, the defaults stand in.
    """
    runtime = parts.sections.get("runtime", RuntimeSettings())
    on_gpu = computes_on_gpu(runtime)
    faults = [fault for lines in preflight.machine_faults(parts).values() for fault in lines]
    found = fails("device", faults) or [_gpu() if on_gpu else _cpu(parts, runtime)]
    return [*found, *_unsuited(parts, runtime, on_gpu), _threads(runtime)]


def _gpu() -> Check:
    import torch

    properties: Any = torch.cuda.get_device_properties(0)
    half = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16, no bfloat16"
    capability = f"compute capability {properties.major}.{properties.minor}"
    return ok("device", f"{properties.name}, {capability}, {shown_bytes(properties.total_memory)}, {half}")


def _cpu(parts: SoundParts, runtime: RuntimeSettings) -> Check:
    import torch

    from hypnos_pipeline.models.machine import describe_machine

    why = "torch sees no GPU" if runtime.device == "auto" else "runtime.device: cpu"
    instructions = torch.backends.cpu.get_cpu_capability()
    text = f"the CPU ({why}): {describe_machine(runtime)['cpu']}, {instructions}"
    if runtime.device == "auto" and network_sizes(parts).model > SLOW_ON_CPU:
        return warn(
            "device", f"{text}; a training step takes about a minute here, on a GPU less than a second"
        )
    return ok("device", text)


def _unsuited(parts: SoundParts, runtime: RuntimeSettings, on_gpu: bool) -> Iterator[Check]:
    """Warns of what works on this device, but slowly."""
    import torch

    if (
        on_gpu
        and runtime.precision == "bfloat16"
        and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        yield warn(
            "precision", "runtime.precision: bfloat16 is only emulated on this GPU; auto takes float16 here"
        )
    slow = [
        name
        for methods in parts.methods.values()
        for name, method in methods.items()
        if not on_gpu and hasattr(method, "optimiser") and method.optimiser.kind == "adamw_8bit"
    ]
    if slow:
        mend = "is about 30 times slower on a CPU; optimiser.kind: adamw is faster and takes more memory"
        yield warn("optimiser", f"adamw_8bit ({', '.join(slow)}) {mend}")


def _threads(runtime: RuntimeSettings) -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"runtime.threads: {runtime.threads}, on {cores} core{'s' if cores > 1 else ''}"
    if runtime.threads > cores:
        return warn("threads", f"{text}; threads that contend run many times slower: at most {cores}")
    return ok("threads", text)
