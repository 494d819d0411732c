"""About how much memory and disk a study needs: estimates on the safe side, made of counts.

**Memory of a training step**, with P trained and F frozen parameters (VAE, EfficientNet):

    4·(P + F)    weights, float32
  + (4 + o)·P    gradients and optimiser states, o = 8 (adamw) or 2 (adamw_8bit); not in textual inversion
  + 2·(P + F)    copies in half precision, unless precision is float32
  + n·s²·u       activations of the UNet, n images (instance and class) of s×s pixels
  + m·s²·d       activations of the decoder, m instance images, where L_p acts

Everything but the activations is certain (``least``); the estimate adds them, and a tenth for what passes.
u = 7.2 kB and d = 23.3 kB a pixel in float32 at Stable Diffusion's widths, counted from what PyTorch saves
for the backward pass; with gradient checkpointing 0.35·u and 0.54·d; in half precision 0.7 of either (half
was counted on a CPU; a GPU's normalisations stay float32). They grow with the networks' widths. **Sampling**
and encoding hold the weights and 4.1 kB a pixel of each image of a batch: four of the decoder's largest maps.

**Disk**: every full finetune is kept as a float32 model, one more while it is replaced; images count as if
PNG compressed nothing; a checkpoint to resume from holds weights and optimiser states, twice in replacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypnos_pipeline.checks.sizes import DECODER_WIDTH, UNET_WIDTH, NetworkSizes
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.study.parts import ValidParts

FLOAT = 4
FULL_FINETUNES = ("hypnos", "dreambooth")
"""Families that train, and leave, a whole model."""
STATES = {"adamw": 8, "adamw_8bit": 2}
UNET_PIXEL, DECODER_PIXEL, SAMPLED_PIXEL = 7_200, 23_300, 4_100
RECOMPUTED_UNET, RECOMPUTED_DECODER = 0.35, 0.54
IN_HALF = 0.7
PASSING = 1.1
PROCESS = 1.5e9
"""Python with its libraries, on either device; on a GPU about as much is CUDA's own."""
TABLE_3_ALTERED = 4
"""Kinds of altered images that are made of each photo for Table 3."""


@dataclass(frozen=True)
class Need:
    """Bytes.

    Attributes:
        least: Below it the study cannot run.
        about: The estimate.
        what: Which part needs it.
    """

    least: float
    about: float
    what: str


def memory_need(parts: ValidParts, sizes: NetworkSizes) -> Need:
    """Returns the largest need of any stage, on the device that computes."""
    needs = [
        Need(PROCESS, PROCESS * PASSING, "any stage"),
        *_training(parts, sizes),
        *_sampling(parts, sizes),
    ]
    return max(needs, key=lambda need: need.about)


def host_need(sizes: NetworkSizes) -> Need:
    """Returns what the machine itself needs where a GPU computes: the model on its way there and back."""
    least = PROCESS + FLOAT * sizes.model
    return Need(least, least * PASSING, "loading the text-to-image model")


def _training(parts: ValidParts, sizes: NetworkSizes) -> Iterator[Need]:
    half = _half_precision(parts)
    for family in (*FULL_FINETUNES, "textual_inversion"):
        for name, method in parts.methods.get(family, {}).items():
            held = sizes.model + (sizes.perceptual if family == "hypnos" else 0)
            least = PROCESS + (FLOAT + (2 if half else 0)) * held
            if family in FULL_FINETUNES:
                least += (FLOAT + STATES[method.optimiser.kind]) * sizes.trained
            pixels = _activations(parts, method, sizes) * (IN_HALF if half else 1)
            yield Need(least, (least + pixels) * PASSING, f"training {name}")


def _activations(parts: ValidParts, method: Any, sizes: NetworkSizes) -> float:
    """Returns the bytes that one step's activations take in float32."""
    images = sum(getattr(method, key, 0) for key in ("instance_batch", "class_batch", "batch"))
    unet = UNET_PIXEL * sizes.unet_width / UNET_WIDTH * images
    if getattr(method, "optimiser", method).gradient_checkpointing:
        unet *= RECOMPUTED_UNET
    decoder = 0.0
    if hasattr(method, "perceptual") and method.weights.perceptual and method.perceptual_steps():
        decoder = DECODER_PIXEL * sizes.decoder_width / DECODER_WIDTH * method.instance_batch
        decoder *= RECOMPUTED_DECODER if method.perceptual.gradient_checkpointing else 1
    return parts.sections.get("image_size", 512) ** 2 * (unet + decoder)


def _sampling(parts: ValidParts, sizes: NetworkSizes) -> Iterator[Need]:
    sampling = parts.sections.get("sampling")
    if sampling is None:
        return
    least = PROCESS + FLOAT * sizes.model
    image = SAMPLED_PIXEL * sizes.decoder_width / DECODER_WIDTH * parts.sections.get("image_size", 512) ** 2
    image *= IN_HALF if _half_precision(parts) else 1
    yield Need(least, (least + sampling.batch * image) * PASSING, f"sampling in batches of {sampling.batch}")


def _half_precision(parts: ValidParts) -> bool:
    runtime = parts.sections.get("runtime")
    return runtime is not None and runtime.precision != "float32"


def disk_need(parts: ValidParts, sizes: NetworkSizes, photos: int, checkpoints: CheckpointSettings) -> Need:
    """Returns what a study takes below ``data/``, without the networks it starts from.

    Args:
        parts: The study.
        sizes: Of its networks.
        photos: Raw photos of all subjects together.
        checkpoints: Whether runs can be resumed, and what may be left of those that were not.
    """
    full = [method for family in FULL_FINETUNES for method in parts.methods.get(family, {}).values()]
    one = FLOAT * sizes.model
    least = one * (len(full) * len(parts.subjects) + 1 if full else 0)  # one more while it is replaced
    state = max((FLOAT + STATES[method.optimiser.kind] for method in full), default=0) * sizes.trained
    states = 2 * state + checkpoints.keep_gigabytes * 1e9 if checkpoints.on else 0
    images = _images(parts, photos) * 3 * parts.sections.get("image_size", 512) ** 2
    what = f"{len(full) * len(parts.subjects)} finetuned models"
    return Need(least, least + states + images, what)


def _images(parts: ValidParts, photos: int) -> int:
    """Counts samples, class priors and pools."""
    entries = sum(map(len, parts.methods.values()))
    samples = sum(prompts.images for prompts in parts.prompt_sets.values()) * entries * len(parts.subjects)
    prior, pool = parts.sections.get("class_prior"), parts.sections.get("augmentation")
    priors = prior.count * len(parts.subjects) if prior is not None else 0
    each = 1 + pool.recoloured + pool.resized + TABLE_3_ALTERED * pool.altered if pool is not None else 0
    return samples + priors + photos * (each + 3)  # working square, matte and foreground beside the pool
