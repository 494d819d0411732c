"""Out of memory at run time: one message that names the stage and the settings that would still help.

Errors are known by name and words, so that nothing here imports torch; if it was torch that ran out, it is
loaded already. What Linux's own out-of-memory killer ends gets no chance to say anything; the process that
started it says that this is the likely cause.
"""

from __future__ import annotations

import errno
import math
import re
import sys
from collections.abc import Sequence

from hypnos_pipeline.errors import OutOfMemory, WorkerDied

_GPU = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|CU(BLAS|DNN|SOLVER)_STATUS_ALLOC_FAILED", re.IGNORECASE
)
_CPU = re.compile(
    r"DefaultCPUAllocator: (can't|not enough)|Cannot allocate memory"
    r"|could not create a primitive$",  # the only message of oneDNN, torch's convolutions on a CPU
    re.IGNORECASE,
)
_REQUESTED = (
    re.compile(r"[Tt]ried to allocate (?P<shown>[\d.]+ [KMGTPE]?i?B)\b"),  # torch on CUDA
    re.compile(r"tried to allocate (?P<bytes>\d+) bytes"),  # torch on CPU
    re.compile(r"[Uu]nable to allocate (?P<shown>[\d.]+ [KMGTPE]?i?B)\b"),  # numpy
)


def ran_out(error: BaseException | None) -> BaseException | None:
    """Returns what of an error, or of what it came from, is memory running out; None if nothing is."""
    while error is not None:
        words = str(error)
        if isinstance(error, MemoryError | WorkerDied) or type(error).__name__ == "OutOfMemoryError":
            return error
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return error
        if isinstance(error, RuntimeError | OSError) and (_GPU.search(words) or _CPU.search(words)):
            return error
        error = error.__cause__ or error.__context__
    return None


def of_gpu(error: BaseException) -> bool:
    """Returns whether it is a GPU's memory that ran out, not the machine's."""
    return type(error).__name__ == "OutOfMemoryError" or bool(_GPU.search(str(error)))


def explained(error: BaseException, stage: str, settings: Sequence[object], file: str) -> OutOfMemory:
    """Returns the one message.

    Args:
        error: As :func:`ran_out` found it.
        stage: What was at work.
        settings: What would help, best first; see ``checks.memory_settings``.
        file: Where the settings stand.
    """
    requested = _requested(str(error))
    more = f"{requested} more were requested; " if requested else ""
    what = f"Out of memory in {stage}: {more}{_memory(error)}."
    if isinstance(error, WorkerDied):
        alone = f", the last time with nothing beside it. Most likely memory ran out: {_memory(error)}."
        what = f"{error}{alone if error.here else '. Most likely memory ran out there.'}"
    otherwise = "end other programs, or use a machine with more"
    if not settings:
        return OutOfMemory(f"{what} No setting that this stage reads takes less: {otherwise}.")
    fix = f"In {file}, change the first of these that will do:"
    return OutOfMemory("\n".join([what, fix, *(f"  - {line}" for line in [*settings, f"or {otherwise}"])]))


def _requested(words: str) -> str:
    for pattern in _REQUESTED:
        if found := pattern.search(words):
            groups = found.groupdict()
            return groups["shown"] if "shown" in groups else shown_bytes(int(groups["bytes"]))
    return ""


def _memory(error: BaseException) -> str:
    """Says how much memory the device has, and how much of it is free."""
    torch = sys.modules.get("torch")
    if of_gpu(error):
        if torch is None or not torch.cuda.is_available():
            return "the GPU has no more"
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        return f"the GPU ({name}) has {shown_bytes(total)}, {shown_bytes(free)} of it free"
    import resource

    import psutil

    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY:
        return f"this process may have {shown_bytes(allowed)} (ulimit -v)"
    memory = psutil.virtual_memory()
    return f"this machine has {shown_bytes(memory.total)}, {shown_bytes(memory.available)} of it free now"


def shown_bytes(count: float) -> str:
    """Returns a size in the unit that suits it: ``512 MiB``, ``15.8 GiB``."""
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
    power = min(len(units) - 1, int(math.log(max(count, 1), 1024)))
    digits = 1 if power > units.index("MiB") else 0
    return f"{count / 1024**power:.{digits}f} {units[power]}"
