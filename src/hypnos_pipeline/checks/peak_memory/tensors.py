"""Tensors that have sizes and no contents, and the count of the memory they would take.

The pipeline's own code runs on PyTorch's *fake tensors*: every operation works out shape, dtype and lifetime
of its results, and nothing is computed or allocated. A dispatch mode sees each result and adds up the
storages that are alive. So a step of Stable Diffusion is counted in seconds, on any machine.

The fake device is a CPU, because PyTorch's backward pass cannot run on a GPU that is not there. Where a GPU's
autocast differs (normalisations in float32), the GPU's rule is followed. Not counted, since no tensor holds
it: the CUDA context, libraries' workspaces inside of kernels, and the allocator's fragmentation.
"""

# pyright: standard

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ROUNDED = 512
"""Bytes; PyTorch's allocator on CUDA gives multiples of them."""
REST = "activations and copies"
FLOAT32_ON_CUDA = ("group_norm", "layer_norm", "softmax")
"""What the networks call that CUDA's autocast computes in float32, a CPU's in the type of the arguments."""
UNTOUCHED_ON_CUDA = ("interpolate",)
"""What they call that a CPU's autocast computes in float32, CUDA's in the type of the arguments."""


class TensorMemory(TorchDispatchMode):
    """Adds up the storages that are alive, while it is entered.

    Attributes:
        now: Label to bytes that are alive.
        peak: ``now`` when its sum was largest since :meth:`reset`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now: Counter[str] = Counter()
        self.peak: dict[str, int] = {}
        self._total = self._largest = 0
        self._alive: dict[int, tuple[str, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs one operation and counts what it returned."""
        if func is torch.ops.aten._local_scalar_dense.default:
            return _stand_in(args[0].dtype)
        kwargs = kwargs or {}
        if torch.is_inference_mode_enabled() and func.namespace == "aten":
            with self:  # then also those come here that consist of others
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self._add(leaf.untyped_storage())
        return result

    def _add(self, storage: Any) -> None:
        key = storage._cdata
        if key in self._alive:
            return
        size = -(-storage.nbytes() // ROUNDED) * ROUNDED
        self._alive[key] = (REST, size)
        self.now[REST] += size
        self._total += size
        if self._total > self._largest:
            self.reset()
        weakref.finalize(storage, self._remove, key)

    def _remove(self, key: int) -> None:
        label, size = self._alive.pop(key)
        self.now[label] -= size
        self._total -= size

    def reset(self) -> None:
        """Takes what is alive now as the peak, until there is more."""
        self._largest, self.peak = self._total, dict(self.now)

    def label_all(self, label: str) -> None:
        """Counts everything that is alive under one name."""
        self._alive = {key: (label, size) for key, (_, size) in self._alive.items()}
        self.now = Counter({label: self._total})

    def label(self, tensors: Iterable[Any], label: str) -> None:
        """Counts storages under a name of their own from now on."""
        for tensor in tensors:
            key = tensor.untyped_storage()._cdata
            if key not in self._alive:
                continue  # a real tensor, such as a table of a scheduler
            old, size = self._alive[key]
            self._alive[key] = (label, size)
            self.now[old] -= size
            self.now[label] += size


def _stand_in(dtype: torch.dtype) -> bool | int | float:
    """Returns the number that stands for every element: comparisons hold, and all else is 0."""
    return True if dtype == torch.bool else 0.0 if dtype.is_floating_point else 0


def _in_float32(function: Any) -> Any:
    """Runs a function as CUDA's autocast does with those that need the range of float32."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_autocast_enabled("cpu"):
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            return function(*tree_map(_float32, args), **tree_map(_float32, kwargs))

    return run


def _in_its_type(function: Any) -> Any:
    """Runs a function as CUDA's autocast does with those that it leaves alone."""

    def run(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", enabled=False):
            return function(*args, **kwargs)

    return run


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def _zeros(tensor: torch.Tensor) -> np.ndarray:
    return np.zeros(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


@contextmanager
def counted() -> Generator[TensorMemory]:
    """Makes every new tensor a fake one and counts it; everything stays on the one device that there is."""
    memory, threads = TensorMemory(), torch.autograd.is_multithreading_enabled()
    with ExitStack() as stack:
        for name in FLOAT32_ON_CUDA:
            stack.enter_context(patch.object(functional, name, _in_float32(getattr(functional, name))))
        for name in UNTOUCHED_ON_CUDA:
            stack.enter_context(patch.object(functional, name, _in_its_type(getattr(functional, name))))
        stack.enter_context(patch.object(torch.nn.Module, "to", lambda module, *_, **__: module))
        stack.enter_context(patch.object(FakeTensor, "numpy", _zeros, create=True))
        stack.callback(torch.autograd.set_multithreading_enabled, threads)
        torch.autograd.set_multithreading_enabled(False)  # modes belong to a thread
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        yield stack.enter_context(memory)
