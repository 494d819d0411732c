"""Weights as they are loaded: each one found, none left over, every number finite.

diffusers and transformers give what a file lacks random numbers, and drop what they do not know, without an
error. What is loaded here is refused in both cases.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypnos_pipeline.errors import NotFinite, UnusableNetwork
from hypnos_pipeline.models.weight_files import SUFFIX, stored_tensors, weight_files

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Network = TypeVar("Network", bound="Module")
IGNORED = re.compile(r"(^|\.)(position_ids|num_batches_tracked)$")
"""Entries without weights, which some versions of the libraries save and others do not."""
FROM_ONE_PLACE = "weights and config.json belong to different networks: get both from one place"
_PRECISIONS = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


def require_all(
    where: object,
    missing: Iterable[str],
    unexpected: Iterable[str] = (),
    misshapen: Iterable[str] = (),
    fix: str = FROM_ONE_PLACE,
) -> None:
    """Refuses weights whose names or shapes are not the network's.

    Args:
        where: The file or folder, for the message.
        missing: Weights of the network that it lacks.
        unexpected: Weights in it that the network has not.
        misshapen: Weights of another shape than the network's.
        fix: What to do about it.

    Raises:
        UnusableNetwork: Naming the first of each and how many there are.
    """
    kinds = {"missing": missing, "unknown": unexpected, "of another shape": misshapen}
    counts = []
    for kind, names in kinds.items():
        if wrong := sorted(name for name in names if not IGNORED.search(name)):
            counts.append(f"{len(wrong)} {kind} ({wrong[0]}{', …' if len(wrong) > 1 else ''})")
    if counts:
        raise UnusableNetwork(f"{where}: weights are not those of the network: {', '.join(counts)}; {fix}")


def require_finite(where: object, tensors: Mapping[str, Tensor], files: Collection[Path] = ()) -> None:
    """Refuses weights with NaN or infinity in them.

    Args:
        where: The file or folder, for the message.
        tensors: The weights by name.
        files: The safetensors files that they were read from, whose precision the message names.

    Raises:
        NotFinite: Naming the first such weight.
    """
    # A sum is finite only if all it adds up is, and is taken in one pass.
    doubtful = {
        name: each
        for name, each in tensors.items()
        if each.is_floating_point() and not each.detach().sum().isfinite()
    }
    wrong = [name for name, each in doubtful.items() if not each.detach().isfinite().all()]
    if wrong:
        kinds: set[str] = {each["dtype"] for each in stored_tensors(files).values()}
        stored = " and ".join(sorted(_PRECISIONS.get(kind, kind) for kind in kinds))
        count = f"{len(wrong)} of {len(tensors)} weights hold NaN or infinity ({wrong[0]}"
        fix = "get the network again, or in another precision"
        raise NotFinite(f"{where}: {count}{f', stored as {stored}' if stored else ''}); {fix}")


def load_whole(kind: Any, folder: Path, stem: str, ignored: str = "", **options: Any) -> Any:
    """Loads a network of diffusers or transformers, float32, in evaluation mode, if its weights are whole.

    Where the folder has no plain weights but a variant of them (``fp16``), that is read.

    Args:
        kind: The class.
        folder: Its folder, with ``config.json``.
        stem: What the weights' files begin with; see :func:`.weight_files.weight_files`.
        ignored: Pattern of weights in the files that the network is used without.
        **options: Further arguments of ``from_pretrained``.

    Raises:
        UnusableNetwork: If weights are missing, left over, or of another shape.
        NotFinite: If they hold NaN or infinity.
    """
    import torch

    found = weight_files(folder, stem)
    network, report = kind.from_pretrained(
        str(folder),
        dtype=torch.float32,
        variant=found.variant if found else None,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **options,
    )
    files = [folder / name for name in found.names if name.endswith(SUFFIX)] if found else []
    place = files[0] if len(files) == 1 else folder
    unknown = [name for name in report["unexpected_keys"] if not ignored or not re.match(ignored, name)]
    require_all(place, report["missing_keys"], unknown, [each[0] for each in report["mismatched_keys"]])
    require_finite(place, network.state_dict(), files)
    return network.eval()


def filled(
    network: Network,
    tensors: Mapping[str, Tensor],
    where: object,
    *,
    assign: bool = False,
    fix: str = FROM_ONE_PLACE,
) -> Network:
    """Returns a network of torch's own kind with tensors as its weights, if they are its own and finite.

    Args:
        network: Changed in place.
        tensors: Its state by name.
        where: The file or folder, for the message.
        assign: Puts the very tensors in place, where the network has no memory of its own yet.
        fix: What to do where they are not its own.

    Raises:
        UnusableNetwork: If weights are missing, left over, or of another shape.
        NotFinite: If they hold NaN or infinity.
    """
    own = network.state_dict()
    misshapen = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    require_all(where, own.keys() - tensors.keys(), tensors.keys() - own.keys(), misshapen, fix)
    require_finite(where, tensors)
    network.load_state_dict(tensors, assign=assign)
    return network
