"""What this machine has for the processes of a run: cores, memory, GPUs."""

from __future__ import annotations

import os


def cores() -> int:
    """Returns how many cores this process may use: less than there are in some containers and jobs."""
    from dask.system import CPU_COUNT

    return CPU_COUNT


def memory() -> float:
    """Returns the bytes that are free now and that this process may use."""
    import psutil
    from distributed.system import MEMORY_LIMIT

    return min(psutil.virtual_memory().available, MEMORY_LIMIT)


def gpus() -> list[str]:
    """Returns the names of the GPUs that torch sees, as ``CUDA_VISIBLE_DEVICES`` lists them.

    It imports torch; studies that compute on the CPU need not ask.
    """
    import torch

    count = torch.cuda.device_count()
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return (named or [str(number) for number in range(count)])[:count]
