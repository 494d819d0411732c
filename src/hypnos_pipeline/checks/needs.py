"""About how much memory and disk a study needs.

**Memory** of a stage is the sum of

- what no tensor holds: Python with its libraries on a CPU; CUDA's own and fragmentation on a GPU
- weights: 4 bytes a parameter, a frozen VAE's 2 in half precision or 1 in int8
- the optimiser's states of trained parameters: 8 bytes (adamw), or 2 and a scale for every 256 (adamw_8bit)
- gradients, activations and copies, as counted of Stable Diffusion 1.5 (``peak_memory/table.py``)

Without the last, but with a full finetune's gradients, it is certain (``least``).

**Disk**: every full finetune is kept as a float32 model, one more while it is replaced; images count as if
PNG compressed nothing; a checkpoint to resume from holds weights and optimiser states, twice in replacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kedro.pipeline import Pipeline

from hypnos_pipeline.checks.peak_memory.table import EVALUATION, SAMPLING, beside
from hypnos_pipeline.checks.sizes import DECODER_WIDTH, UNET_WIDTH, NetworkSizes, network_sizes
from hypnos_pipeline.models.settings import RuntimeSettings
from hypnos_pipeline.storage.settings import CheckpointSettings
from hypnos_pipeline.study.parts import ValidParts

FLOAT = 4
FULL_FINETUNES = ("hypnos", "dreambooth")
"""Families that train, and leave, a whole model."""
STATES = {"adamw": 8.0, "adamw_8bit": 2 + 2 * FLOAT / 256}
"""Bytes a parameter; bitsandbytes keeps two scales for each block of 256."""
FROZEN_VAE = {"float32": 4, "half": 2, "int8": 1}
PROCESS = 1.5e9
"""Python with its libraries."""
CUDA = 1e9
"""The CUDA context, libraries' workspaces and the allocator's fragmentation."""
HOST = 1.1
"""What loading a model takes of the machine beside its weights."""
COUNTED = 512
"""Edge of the images of the counts, pixels."""
TABLE_3_ALTERED = 4
"""Kinds of altered images that are made of each photo for Table 3."""
SD = NetworkSizes()


@dataclass(frozen=True)
class Need:
    """Bytes.

    Attributes:
        least: Below it the study cannot run.
        about: The estimate.
        what: Which part needs it.
        reads: The parameters that this part reads, for what would take less (``memory_settings.savings``).
    """

    least: float
    about: float
    what: str
    reads: tuple[str, ...] = ()


def memory_need(parts: ValidParts, sizes: NetworkSizes, *, on_gpu: bool) -> Need:
    """Returns the largest need of any stage, on the device that computes."""
    return max(memory_needs(parts, sizes, on_gpu=on_gpu), key=lambda need: need.about)


def memory_needs(parts: ValidParts, sizes: NetworkSizes, *, on_gpu: bool) -> list[Need]:
    """Returns what each training, sampling and the evaluation need; the other stages need less."""
    reserve = CUDA if on_gpu else PROCESS
    runtime = parts.sections.get("runtime", RuntimeSettings())
    stages = [*_trainings(parts, sizes, runtime), *_batches(parts, sizes, runtime)]
    return [
        Need(reserve, reserve, "any stage"),
        *(Need(reserve + least, reserve + about, what, reads) for least, about, what, reads in stages),
    ]


def node_memory(pipeline: Pipeline, parts: ValidParts) -> dict[str, float]:
    """Returns about how many bytes of the machine's memory each node of a run needs, by its name."""
    from hypnos_pipeline.checks.machine import computes_on_gpu

    sizes = network_sizes(parts)
    if computes_on_gpu(parts.sections.get("runtime", RuntimeSettings())):
        return dict.fromkeys((node.name for node in pipeline.nodes), host_need(sizes).about)
    needs = [
        ({f"params:{name}" for name in need.reads}, need.about)
        for need in memory_needs(parts, sizes, on_gpu=False)
    ]
    return {
        node.name: max(about for reads, about in needs if reads <= set(node.inputs))
        for node in pipeline.nodes
    }


def host_need(sizes: NetworkSizes) -> Need:
    """Returns what the machine itself needs where a GPU computes: the model on its way there and back."""
    least = PROCESS + FLOAT * sizes.model
    return Need(least, least * HOST, "loading the text-to-image model")


Stage = tuple[float, float, str, tuple[str, ...]]
"""What is certain, the estimate, the stage's name, the parameters that it reads."""


def _trainings(parts: ValidParts, sizes: NetworkSizes, runtime: RuntimeSettings) -> Iterator[Stage]:
    for family in (*FULL_FINETUNES, "textual_inversion"):
        for name, method in parts.methods.get(family, {}).items():
            least = FLOAT * sizes.model
            if family == "hypnos":
                least += FLOAT * sizes.perceptual - (FLOAT - FROZEN_VAE[runtime.frozen_vae]) * sizes.vae
            gradients = 0
            if family in FULL_FINETUNES:
                least += STATES[method.optimiser.kind] * sizes.trained
                gradients = FLOAT * sizes.trained
            about = least + _beside_training(family, method, parts, sizes, runtime)
            reads = (f"methods.{family}.{name}", "runtime")
            yield least + gradients, about, f"training {name}", reads


def _beside_training(
    family: str, method: Any, parts: ValidParts, sizes: NetworkSizes, runtime: RuntimeSettings
) -> float:
    """Returns the bytes of gradients, activations and copies."""
    images = sum(getattr(method, key, 0) for key in ("instance_batch", "class_batch", "batch"))
    unet = runtime.recomputes("unet", getattr(method, "optimiser", method).gradient_checkpointing)
    recomputed = ("unet",) if unet else ()
    if family == "hypnos" and method.weights.perceptual and method.perceptual_steps():
        # Recomputing in the UNet alone was not counted: the decoder is what takes most.
        decoder = runtime.recomputes("decoder", method.perceptual.gradient_checkpointing)
        recomputed = (*recomputed, "decoder") if decoder else ()
    elif family == "hypnos":
        family = "dreambooth"  # a step without L_p
    return beside(
        family,
        recomputed,
        half=runtime.precision != "float32",
        load=images * _pixels(parts) * sizes.unet_width / UNET_WIDTH,
        parameters=sizes.trained / SD.trained,
    )


def _batches(parts: ValidParts, sizes: NetworkSizes, runtime: RuntimeSettings) -> Iterator[Stage]:
    """Yields sampling, which the class prior is made by too, and the evaluation."""
    width = sizes.decoder_width / DECODER_WIDTH
    if (sampling := parts.sections.get("sampling")) is not None:
        least, load = FLOAT * sizes.model, sampling.batch * _pixels(parts) * width
        half, parameters = runtime.precision != "float32", sizes.model / SD.model
        extra = beside(SAMPLING, (), half=half, load=load, parameters=parameters)
        yield least, least + extra, f"sampling in batches of {sampling.batch}", ("sampling", "runtime")
    if (evaluation := parts.sections.get("evaluation")) is not None:
        least = FLOAT * (sizes.model + sizes.metrics)
        load, parameters = evaluation.batch * _pixels(parts), sizes.metrics / SD.metrics
        extra = beside(EVALUATION, (), half=False, load=load, parameters=parameters)
        yield least, least + extra, f"evaluation in batches of {evaluation.batch}", ("evaluation", "runtime")


def _pixels(parts: ValidParts) -> float:
    """Returns the pixels of an image, in those of the counts' images."""
    return (parts.sections.get("image_size", COUNTED) / COUNTED) ** 2


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
    models = len(full) * len(parts.subjects) * parts.trainings
    least = one * (models + 1 if full else 0)  # one more while it is replaced
    state = max((FLOAT + STATES[method.optimiser.kind] for method in full), default=0) * sizes.trained
    states = 2 * state + checkpoints.keep_gigabytes * 1e9 if checkpoints.on else 0
    images = _images(parts, photos) * 3 * parts.sections.get("image_size", 512) ** 2
    what = f"{models} finetuned models"
    return Need(least, least + states + images, what)


def _images(parts: ValidParts, photos: int) -> int:
    """Counts samples, class priors and pools."""
    entries = sum(map(len, parts.methods.values())) * parts.trainings
    samples = sum(prompts.images for prompts in parts.prompt_sets.values()) * entries * len(parts.subjects)
    prior, pool = parts.sections.get("class_prior"), parts.sections.get("augmentation")
    priors = prior.count * len(parts.subjects) if prior is not None else 0
    each = 1 + pool.recoloured + pool.resized + TABLE_3_ALTERED * pool.altered if pool is not None else 0
    return samples + priors + photos * (each + 3)  # working square, matte and foreground beside the pool
