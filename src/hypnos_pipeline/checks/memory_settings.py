"""The settings that take less memory, of those that a stage reads, with their present values, best first.

"Best" is what costs least of the result: recomputing costs time alone and 8-bit optimiser states next to
nothing; smaller batches train on other draws, but sample and measure the same; precision moves the last
digits; the image size changes everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.models.settings import RECOMPUTED, RuntimeSettings
from hypnos_pipeline.study.parts import ValidParts

METHODS = "methods"
RECOMPUTING = "activations are recomputed instead of kept"
SMALLEST_IMAGE = 64
"""Below it three halvings leave nothing of a latent."""


@dataclass(frozen=True)
class Saving:
    """One setting that takes less memory.

    Attributes:
        change: The key, its present value and the one that helps.
        effect: What it changes; empty where that is plain.
    """

    change: str
    effect: str = ""

    def __str__(self) -> str:
        return f"{self.change} ({self.effect})" if self.effect else self.change


def savings(parts: ValidParts, reads: Collection[str], on_gpu: bool) -> list[Saving]:
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
    found = [*_recomputing(parts, trained, on_gpu), *_batches(trained)]
    for key in sections:
        if key in parts.sections and parts.sections[key].batch > 1:
            found.append(_less(f"{key}.batch", parts.sections[key].batch))
    if "runtime" in reads:
        found += _precision(parts, on_gpu)
    size = parts.sections.get("image_size")
    if size is not None and size > SMALLEST_IMAGE:
        found.append(Saving(f"image_size: {size} → less", "every image is made anew"))
    return found


def _method(parts: ValidParts, key: str) -> Any:
    """Returns the method of ``methods.<family>.<name>``; None for other parameters."""
    head, *way = key.split(".")
    if head != METHODS or len(way) != 2:
        return None
    return parts.methods.get(way[0], {}).get(way[1])


def _recomputing(parts: ValidParts, trained: dict[str, Any], on_gpu: bool) -> Iterator[Saving]:
    runtime = parts.sections.get("runtime", RuntimeSettings())
    # Textual inversion has no block of its optimiser.
    unet = {
        f"{key}.optimiser" if hasattr(method, "optimiser") else key: getattr(method, "optimiser", method)
        for key, method in trained.items()
    }
    decoder = {
        f"{key}.perceptual": method.perceptual
        for key, method in trained.items()
        if hasattr(method, "perceptual") and method.weights.perceptual and method.perceptual_steps()
    }
    kept = {
        place: block.gradient_checkpointing
        for network, blocks in (("unet", unet), ("decoder", decoder))
        for place, block in blocks.items()
        if not runtime.recomputes(network, block.gradient_checkpointing)
    }
    if runtime.memory and None in kept.values():
        yield Saving(f"runtime.memory: {runtime.memory} → {min(RECOMPUTED)}", RECOMPUTING)
        kept = {place: own for place, own in kept.items() if own is not None}
    yield from (_recomputed(place) for place in unet if place in kept)
    for key, method in trained.items():
        if on_gpu and hasattr(method, "optimiser") and method.optimiser.kind == "adamw":  # slow on a CPU
            yield Saving(f"{key}.optimiser.kind: adamw → adamw_8bit", "its states in a quarter of the memory")
    yield from (_recomputed(place) for place in decoder if place in kept)


def _recomputed(place: str) -> Saving:
    return Saving(f"{place}.gradient_checkpointing: false → true", RECOMPUTING)


def _batches(trained: dict[str, Any]) -> Iterator[Saving]:
    for key, method in trained.items():
        for name in ("instance_batch", "class_batch", "batch"):
            if getattr(method, name, 1) > 1:
                yield _less(f"{key}.{name}", getattr(method, name))


def _less(key: str, value: int) -> Saving:
    return Saving(f"{key}: {value} → {value // 2} or less")


def _precision(parts: ValidParts, on_gpu: bool) -> Iterator[Saving]:
    runtime = parts.sections.get("runtime")
    if runtime is not None and runtime.precision == "float32":
        half = "auto" if on_gpu else "bfloat16"
        yield Saving(f"runtime.precision: float32 → {half}", "activations in half the memory")
