"""The settings that take less memory, of those that a stage reads, with their present values, best first.

"Best" is what costs least of the result: recomputing costs time alone and 8-bit optimiser states next to
nothing; smaller batches train on other draws, but sample and judge the same; precision moves the last digits;
the image size changes everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from hypnos_pipeline.study.parts import SoundParts

METHODS = "methods"
_RECOMPUTED = "activations are recomputed instead of kept"
SMALLEST_IMAGE = 64
"""Below it three halvings leave nothing of a latent."""


def helping_settings(parts: SoundParts, reads: Collection[str], on_gpu: bool) -> list[str]:
    """Returns the settings that can still help a stage.

    Args:
        parts: The study.
        reads: The parameters that the stage reads, dots between levels: ``sampling``,
            ``methods.hypnos.hypnos``.
        on_gpu: Whether it is a GPU's memory that is short.
    """
    trained = {key: method for key in reads if (method := _method(parts, key)) is not None}
    sections = [key for key in ("sampling", "evaluation") if key in reads]
    if sections:  # then a method is read for its words alone
        trained = {}
    elif not trained and "discriminator" in reads:
        sections = ["discriminator"]
    found = [*_recomputing(trained, on_gpu), *_batches(trained)]
    for key in sections:
        if key in parts.sections and parts.sections[key].batch > 1:
            found.append(_less(f"{key}.batch", parts.sections[key].batch))
    if "runtime" in reads:
        found += _precision(parts, on_gpu)
    size = parts.sections.get("image_size")
    if size is not None and size > SMALLEST_IMAGE:
        found.append(f"image_size: {size} → less (every image is made anew)")
    return found


def _method(parts: SoundParts, key: str) -> Any:
    """Returns the method of ``methods.<family>.<name>``; None for other parameters."""
    head, *way = key.split(".")
    if head != METHODS or len(way) != 2:
        return None
    return parts.methods.get(way[0], {}).get(way[1])


def _recomputing(trained: dict[str, Any], on_gpu: bool) -> Iterator[str]:
    for key, method in trained.items():
        optimises = hasattr(method, "optimiser")  # textual inversion has no such block
        if not (method.optimiser if optimises else method).gradient_checkpointing:
            yield f"{key}{'.optimiser' * optimises}.gradient_checkpointing: false → true ({_RECOMPUTED})"
    for key, method in trained.items():
        if on_gpu and hasattr(method, "optimiser") and method.optimiser.kind == "adamw":  # slow on a CPU
            yield f"{key}.optimiser.kind: adamw → adamw_8bit (its states in a quarter of the memory)"
    for key, method in trained.items():
        decodes = hasattr(method, "perceptual") and method.weights.perceptual and method.perceptual_steps()
        if decodes and not method.perceptual.gradient_checkpointing:
            yield f"{key}.perceptual.gradient_checkpointing: false → true ({_RECOMPUTED})"


def _batches(trained: dict[str, Any]) -> Iterator[str]:
    for key, method in trained.items():
        for name in ("instance_batch", "class_batch", "batch"):
            if getattr(method, name, 1) > 1:
                yield _less(f"{key}.{name}", getattr(method, name))


def _less(key: str, value: int) -> str:
    return f"{key}: {value} → {value // 2} or less"


def _precision(parts: SoundParts, on_gpu: bool) -> Iterator[str]:
    runtime = parts.sections.get("runtime")
    if runtime is not None and runtime.precision == "float32":
        half = "auto" if on_gpu else "bfloat16"
        yield f"runtime.precision: float32 → {half} (activations in half the memory)"
