"""The machine: what computes, in which precision, on how many cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from hypnos_pipeline.checks.findings import Finding, Passed, warning
from hypnos_pipeline.checks.sizes import network_sizes
from hypnos_pipeline.errors import Problem
from hypnos_pipeline.models.libraries import silence_bitsandbytes
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.running import capacity
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.study.parts import ValidParts

MACHINE = "machine"
SLOW_ON_CPU = 300_000_000
"""Parameters of a text-to-image model beyond which nobody would wait for a CPU."""


def computes_on_gpu(runtime: RuntimeSettings) -> bool:
    """Returns whether the study's networks will run on a GPU here."""
    import torch

    return runtime.device != "cpu" and torch.cuda.is_available()


def machine_problems(parts: ValidParts, trains: bool = True) -> list[Problem]:
    """Looks for the GPU where one is requested by name, and whether the libraries of 8-bit numbers start.

    Those alone of trainings are 8-bit, and starting them takes a second that other stages are spared.
    """
    runtime = parts.sections.get("runtime", RuntimeSettings())
    found: list[Problem] = []
    silence_bitsandbytes()
    for library, setting, fix in _eight_bit(parts, runtime) if trains else ():
        try:
            import_module(library)
        except Exception as error:  # also what CUDA's libraries raise while one is imported
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            found.append(Problem(MACHINE, f"{setting} needs {library}, which does not start ({reason})", fix))
    if runtime.device == "cuda" and not computes_on_gpu(runtime):
        what = "runtime.device: 'cuda', but torch sees no CUDA device"
        found.append(Problem(MACHINE, what, "expected 'auto' or 'cpu' on this machine"))
    return found


def tracking_problems(parameters: Mapping[str, Any]) -> list[Problem]:
    """Looks for TensorBoard where event files are requested.

    Args:
        parameters: Kedro's; their ``tracking`` may be wrong, which is reported for the configuration.
    """
    tracking = parameters.get("tracking")
    if not isinstance(tracking, Mapping) or tracking.get("tensorboard") is not True:  # pyright: ignore[reportUnknownMemberType]
        return []
    if find_spec("tensorboard") is not None:
        return []
    fix = "`pip install tensorboard`, or set it to false"
    return [Problem(MACHINE, "tracking.tensorboard: true, but tensorboard is not installed", fix)]


def _eight_bit(parts: ValidParts, runtime: RuntimeSettings) -> Iterator[tuple[str, str, str]]:
    """Yields the libraries of 8-bit numbers that a study needs: module, setting, and the fix."""
    if runtime.frozen_vae == "int8":
        fix = "`pip install optimum-quanto`, or choose 'half'"
        yield "optimum.quanto", "runtime.frozen_vae: 'int8'", fix
    if users := _trained_in_8_bit(parts):
        fix = "`make` installs the locked version; 'adamw' needs none, and more memory"
        yield "bitsandbytes.optim", f"optimiser.kind: 'adamw_8bit' ({', '.join(users)})", fix


def _trained_in_8_bit(parts: ValidParts) -> list[str]:
    return [
        name
        for methods in parts.methods.values()
        for name, method in methods.items()
        if hasattr(method, "optimiser") and method.optimiser.kind == "adamw_8bit"
    ]


def machine_findings(parts: ValidParts) -> list[Finding]:
    """Looks at device, precision, optimisers and threads.

    Args:
        parts: The study; where its ``runtime`` is wrong, the defaults are looked at.
    """
    runtime = parts.sections.get("runtime", RuntimeSettings())
    on_gpu = computes_on_gpu(runtime)
    found: list[Finding] = [*machine_problems(parts)]
    found = found or [_gpu() if on_gpu else _cpu(parts, runtime)]
    return [*found, *_unsuited(parts, runtime, on_gpu), _threads(runtime)]


def _gpu() -> Finding:
    import torch

    properties = cast("Any", torch.cuda.get_device_properties(0))  # pyright: ignore[reportUnknownMemberType]
    half = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16, no bfloat16"
    capability = f"compute capability {properties.major}.{properties.minor}"
    return Passed(
        "device", f"{properties.name}, {capability}, {shown_bytes(properties.total_memory)}, {half}"
    )


def _cpu(parts: ValidParts, runtime: RuntimeSettings) -> Finding:
    import torch

    from hypnos_pipeline.models.machine import describe_machine

    why = "torch sees no GPU" if runtime.device == "auto" else "runtime.device: cpu"
    instructions = torch.backends.cpu.get_cpu_capability()
    text = f"the CPU ({why}): {describe_machine(runtime)['cpu']}, {instructions}"
    if runtime.device == "auto" and network_sizes(parts).model > SLOW_ON_CPU:
        return warning(
            "device", f"{text}; a training step takes about a minute here, on a GPU less than a second"
        )
    return Passed("device", text)


def _unsuited(parts: ValidParts, runtime: RuntimeSettings, on_gpu: bool) -> Iterator[Finding]:
    """Warns of what works on this device, but slowly."""
    import torch

    if (
        on_gpu
        and runtime.precision == "bfloat16"
        and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        yield warning(
            "precision", "runtime.precision: bfloat16 is only emulated on this GPU; auto takes float16 here"
        )
    slow = [] if on_gpu else _trained_in_8_bit(parts)
    if slow:
        what = f"adamw_8bit ({', '.join(slow)}) is about 30 times slower on a CPU"
        yield warning("optimiser", what, "optimiser.kind: adamw is faster and takes more memory")


def _threads(runtime: RuntimeSettings) -> Finding:
    cores = capacity.cores()
    text = f"runtime.threads: {runtime.threads}, on {cores} core{'s' if cores > 1 else ''}"
    if runtime.threads > cores:
        return warning("threads", f"{text}; threads that contend run many times slower: at most {cores}")
    return Passed("threads", text)
