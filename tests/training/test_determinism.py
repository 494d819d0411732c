"""Gradients that CUDA would compute in another order each time are asked for in one order alone."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from hypnos_pipeline.models.runtime import deterministic_gradients
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.training.optimisation import Updater
from hypnos_pipeline.training.settings import Optimiser, Perceptual, TextualInversionSettings
from hypnos_pipeline.training.textual_inversion import textual_inversion
from tests.tiny_models import tiny_text_to_image
from tests.training.tiny_study import SEED, finetuning, hypnos, latents

WITHOUT = (
    "adaptive_avg_pool", "adaptive_max_pool", "avg_pool3d", "fractional_max_pool", "max_unpool",
    "upsample_linear", "upsample_bilinear", "upsample_bicubic", "upsample_trilinear", "reflection_pad",
    "nll_loss", "ctc_loss", "embedding_bag", "histc", "bincount", "median", "grid_sampler", "scatter_reduce",
)  # fmt: skip
"""Operations that have no deterministic form on CUDA, and raise (torch.use_deterministic_algorithms)."""


class Recorded(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def strict() -> bool:
    enabled = torch.are_deterministic_algorithms_enabled()
    return enabled and not torch.is_deterministic_algorithms_warn_only_enabled()


def test_gradients_are_strictly_deterministic_where_determinism_is_on() -> None:
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        during = []
        weight = torch.nn.Parameter(torch.ones(1))
        weight.register_hook(lambda _gradient: during.append(strict()))
        updater = Updater([weight], learning_rate=0.1, weight_decay=0.0, clip_norm=1.0)
        updater.update(weight.square().sum(), 1)
        assert during == [True]
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    with deterministic_gradients():
        assert not torch.are_deterministic_algorithms_enabled()


def test_no_backward_pass_needs_an_operation_without_a_deterministic_form(monkeypatch) -> None:
    recorded, ordinary = Recorded(), torch.Tensor.backward

    def backward(loss, *others, **named) -> None:
        with recorded:
            ordinary(loss, *others, **named)

    monkeypatch.setattr(torch.Tensor, "backward", backward)
    recomputed = {
        "optimiser": Optimiser(gradient_checkpointing=True),
        "perceptual": Perceptual(steps=1, gradient_checkpointing=True),
    }
    with torch.autograd.set_multithreading_enabled(False):  # a mode belongs to a thread
        finetuning(hypnos(steps=1, **recomputed)).run()
        model, method = tiny_text_to_image(), TextualInversionSettings(steps=1)
        textual_inversion(
            model, latents(), method, noun="robot", seed=SEED, runtime=RuntimeSettings(threads=1)
        )
    assert {"convolution_backward", "native_group_norm_backward", "embedding_dense_backward"} < recorded.names
    assert not [name for name in recorded.names if any(part in name for part in WITHOUT)]
