"""Comparing the gradients of all parameters of a network."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor

from hypnos_pipeline.training.optimisation import Updater

RELATIVE = 1e-5
NOISE = 1e-7
"""Of the whole gradient: some are 0 but for rounding, as those of attention's key biases are."""


def assert_gradients_close(ours: dict[str, Tensor], reference: dict[str, Tensor]) -> None:
    """Fails unless every parameter's gradient lies within 1e-5 of the reference's, in norm.

    Args:
        ours: Name to gradient.
        reference: The same names.
    """
    assert ours.keys() == reference.keys()
    whole = torch.stack([gradient.double().norm() for gradient in reference.values()]).norm()
    assert whole > 0
    for name, gradient in reference.items():
        distance = (ours[name].double() - gradient.double()).norm()
        assert distance <= RELATIVE * gradient.double().norm() + NOISE * whole, name


@contextmanager
def kept_gradients(updater: Updater) -> Generator[None]:
    """Keeps the gradient that an update frees when it has used it."""
    updater.release = lambda: None
    yield
    del updater.release


def gradients(*networks: torch.nn.Module) -> dict[str, Tensor]:
    """Returns the gradients of all parameters by network and name; every parameter has one."""
    return {
        f"{number}.{name}": parameter.grad.detach().clone()
        for number, network in enumerate(networks)
        for name, parameter in network.named_parameters()
    }
