"""The machine: device, threads, determinism and precision, set once per node and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import RunError
from hypnos_pipeline.models.kept import release
from hypnos_pipeline.models.settings import RuntimeSettings

if TYPE_CHECKING:
    import torch


def configure(runtime: RuntimeSettings, *, keep_networks: bool = False) -> torch.device:
    """Makes this process compute as configured, and deterministic; returns the device.

    Args:
        runtime: The machine's settings.
        keep_networks: Whether networks of earlier nodes stay loaded, because this one reads them too; else
            their memory is given back.

    Raises:
        RunError: If ``cuda`` is requested and there is none.
    """
    # cuBLAS reads this when it starts; without it its reductions may differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.set_num_threads(runtime.threads)
    torch.set_deterministic_debug_mode("warn")
    # The deterministic mode also fills every new tensor, which only costs time: nothing reads unset memory.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
    torch.backends.cudnn.benchmark = False
    # TF32 keeps 10 bits of 23, and cuDNN's convolutions use it by default: float32 means float32 here.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    # Partial sums in float16 may overflow where the whole sum does not.
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    if not keep_networks:
        release()
    return _device(runtime)


@contextmanager
def deterministic_gradients() -> Generator[None]:
    """Makes attention's backward pass on CUDA deterministic as well, where :func:`configure` asked for it.

    As long as PyTorch only warns of operations that have no deterministic form, its attention takes the
    faster one that it has besides. None of the operations of our backward passes is without one.
    """
    import torch

    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error" if before else "default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def _device(runtime: RuntimeSettings) -> torch.device:
    import torch

    if runtime.device == "cuda" and not torch.cuda.is_available():
        raise RunError("runtime.device: 'cuda', but torch sees no CUDA device; expected 'auto' or 'cpu'")
    if runtime.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(runtime.device)


def precision(runtime: RuntimeSettings, device: torch.device) -> torch.dtype:
    """Returns the dtype of autocast forward passes; ``auto`` is bfloat16 where supported, else float16.

    On Turing bfloat16 is only emulated, so it counts as unsupported there.
    """
    import torch

    if runtime.precision != "auto":
        return getattr(torch, runtime.precision)
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def autocast(runtime: RuntimeSettings, device: torch.device) -> AbstractContextManager[object]:
    """Returns the context of forward passes: autocast, or nothing for float32."""
    import torch

    dtype = precision(runtime, device)
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)
