"""What the runtime settings do to torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch

from hypnos_pipeline.errors import RunError
from hypnos_pipeline.models.runtime import autocast, configure, precision
from hypnos_pipeline.models.settings import RuntimeSettings


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)


def test_configure_sets_threads_and_determinism(threads: int) -> None:
    device = configure(RuntimeSettings(device="cpu", threads=threads + 1))
    assert device == torch.device("cpu")
    assert torch.get_num_threads() == threads + 1
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()


def test_configure_computes_float32_as_float32(threads: int) -> None:
    """TF32 keeps 10 bits; torch's default for convolutions is to use it."""
    matmul, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    matmul.allow_tf32 = convolutions.allow_tf32 = matmul.allow_fp16_reduced_precision_reduction = True
    configure(RuntimeSettings(device="cpu", threads=threads))
    assert not matmul.allow_tf32
    assert not convolutions.allow_tf32
    assert not matmul.allow_fp16_reduced_precision_reduction


def test_absent_cuda_is_refused(threads: int) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(RunError, match=r"runtime\.device: 'cuda'"):
        configure(RuntimeSettings(device="cuda", threads=threads))


def test_autocast_follows_the_precision() -> None:
    cpu = torch.device("cpu")
    assert isinstance(autocast(RuntimeSettings(precision="float32"), cpu), nullcontext)
    assert precision(RuntimeSettings(precision="auto"), cpu) == torch.bfloat16
    with autocast(RuntimeSettings(precision="bfloat16"), cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
