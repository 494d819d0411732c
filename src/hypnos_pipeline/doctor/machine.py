"""The machine: what computes, in which precision, on how many cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypnos_pipeline import preflight
from hypnos_pipeline.doctor.check import Check, fails, ok, warn
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.out_of_memory import shown_bytes
from hypnos_pipeline.study_faults import SoundParts


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
    found = fails("device", faults) or [ok("device", _gpu() if on_gpu else _cpu(runtime))]
    return [*found, *_unsuited(parts, runtime, on_gpu), _threads(runtime)]


def _gpu() -> str:
    import torch

    properties: Any = torch.cuda.get_device_properties(0)
    bf16 = (
        "bfloat16"
        if torch.cuda.is_bf16_supported(including_emulation=False)
        else "no bfloat16 (float16 instead)"
    )
    capability = f"compute capability {properties.major}.{properties.minor}"
    return f"{properties.name}, {capability}, {shown_bytes(properties.total_memory)}, {bf16}"


def _cpu(runtime: RuntimeSettings) -> str:
    import torch

    from hypnos_pipeline.models.machine import describe_machine

    capability = torch.backends.cpu.get_cpu_capability()
    seen = "no GPU that torch sees" if runtime.device == "auto" else "as runtime.device says"
    return f"{describe_machine(runtime)['cpu']}, {capability}; {seen}"


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
        mend = "is about 30 times slower than adamw on a CPU; take optimiser.kind: adamw"
        yield warn("optimiser", f"adamw_8bit ({', '.join(slow)}) {mend}")


def _threads(runtime: RuntimeSettings) -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = f"runtime.threads: {runtime.threads}, on {cores} core{'s' if cores > 1 else ''}"
    if runtime.threads > cores:
        return warn("threads", f"{text}; threads that contend run many times slower: at most {cores}")
    return ok("threads", text)
