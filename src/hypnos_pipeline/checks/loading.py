"""Networks loaded as a run loads them, which finds what no header shows: a missing weight, a NaN.

The doctor alone does this: it takes seconds, and the memory of one network at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import unwrap
from pathlib import Path
from typing import Any

from hypnos_pipeline.checks.findings import Finding, Passed, errors, warning
from hypnos_pipeline.checks.networks import network_findings
from hypnos_pipeline.checks.sizes import parameters
from hypnos_pipeline.errors import HypnosError, Problem
from hypnos_pipeline.models.settings import ModelReference
from hypnos_pipeline.models.weight_files import SUFFIX
from hypnos_pipeline.running.out_of_memory import shown_bytes
from hypnos_pipeline.study.parts import ValidParts

PLACE = "networks"
AGAIN = "get the network again"


def loading_findings(parts: ValidParts, lock_file: Path | None = None) -> Iterator[Finding]:
    """Loads every network that is here and in which nothing else is wrong; see ``network_findings``."""
    import psutil

    loaded: dict[str, None] = {}
    for key, reference in parts.models.items():
        if reference.folder in loaded or not _is_whole(key, reference, parts, lock_file):
            continue
        needs, free = _float32_bytes(reference), psutil.virtual_memory().available
        if needs > free:
            sizes = f"needs {shown_bytes(needs)}, and {shown_bytes(free)} are free"
            yield warning(f"models.{key}", f"not loaded to look at its weights: {sizes}")
        elif problem := _problem(key, Path(reference.folder)):
            yield problem
        else:
            loaded[reference.folder] = None
    if loaded:
        plural = "s load" if len(loaded) > 1 else " loads"
        yield Passed(PLACE, f"{len(loaded)} network{plural}: every weight is found, and is a number")


def _is_whole(key: str, reference: ModelReference, parts: ValidParts, lock_file: Path | None) -> bool:
    if key not in _loaders() or not any(Path(reference.folder).rglob(f"*{SUFFIX}")):
        return False
    return not errors(network_findings(parts, [key], lock_file))


def _float32_bytes(reference: ModelReference) -> int:
    """Returns a little more than a network's size in float32."""
    return sum(map(parameters, Path(reference.folder).rglob(f"*{SUFFIX}"))) * 9 // 2


def _problem(key: str, folder: Path) -> Problem | None:
    try:
        unwrap(_loaders()[key])(folder)  # unwrapped: none of them is kept in memory
    except HypnosError as error:
        return Problem(f"models.{key}", error.message)
    except Exception as error:  # a library's own, of a network that is broken in a new way
        reason = (str(error).splitlines() or [""])[0]
        return Problem(
            f"models.{key}", f"{folder} cannot be loaded ({type(error).__name__}: {reason})", AGAIN
        )
    return None


def _loaders() -> dict[str, Callable[[Path], Any]]:
    """Returns the loader of each network, by its key below ``models``."""
    from hypnos_pipeline.models.frechet import load_frechet_network
    from hypnos_pipeline.models.lpips import load_lpips_network
    from hypnos_pipeline.models.networks import load_clip, load_timm, load_vit
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    return {
        "text_to_image": load_text_to_image,
        "perceptual": load_timm,
        "dino": load_vit,
        "clip": load_clip,
        "clip_b32": load_clip,
        "inception": load_frechet_network,
        "lpips": load_lpips_network,
    }
