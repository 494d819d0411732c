"""The file of weights that a backend reads, from the folder that a study names in ``models.matting``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hypnos_pipeline.errors import Problem, UnusableNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

NETWORKS = "networks of background removal"
"""Where a problem with a backend's network lies."""
_FIX = "put it there; options.file names another file, models.matting another folder or a source to fetch"


def missing_file(network: Path) -> list[Problem]:
    """Returns that a file of weights is missing, and which others are there; empty if it is not missing."""
    if network.is_file():
        return []
    others = sorted(file.name for file in network.parent.glob(f"*{network.suffix}"))
    there = f" (there: {', '.join(others)})" if others else ""
    return [Problem(NETWORKS, f"{network} is missing{there}", _FIX)]


def load_weights(
    module: nn.Module,
    network: Path,
    label: str,
    renamed: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = dict,
) -> None:
    """Fills a module, which may be on the device ``meta``, from a safetensors file, and freezes it.

    It is then on the CPU, in its own precision and in evaluation mode. What the file has beside the module's
    tensors is ignored.

    Args:
        module: The network.
        network: The safetensors file.
        label: What the file should be, as messages name it.
        renamed: From the file's tensors to those of the module's names.

    Raises:
        UnusableNetwork: If the file cannot be read, lacks tensors of the module, or has them in other shapes
            or with values that are no numbers.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    wanted = module.state_dict()
    try:
        found = renamed(load_file(network))
        if unfit := [name for name in wanted if name not in found or found[name].shape != wanted[name].shape]:
            text = f"{len(unfit)} of {len(wanted)} tensors are missing or of another shape: {unfit[0]}"
            raise ValueError(text)
        if broken := [name for name in wanted if not found[name].isfinite().all()]:
            raise ValueError(f"{len(broken)} tensors hold NaN or infinite values: {broken[0]}")
    except (OSError, ValueError, SafetensorError) as error:
        raise UnusableNetwork(f"{network} is not {label} ({error}); get it again") from error
    if unused := found.keys() - wanted:
        logger.info("%s: %d tensors that %s does not need are ignored", network, len(unused), label)
    state = {name: found[name].to(tensor.dtype) for name, tensor in wanted.items()}
    module.load_state_dict(state, assign=True)
    module.eval().requires_grad_(False)
