"""Sampling images, by plain diffusers, in batches of which finished ones are kept."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from hypnos_pipeline.errors import NotFinite
from hypnos_pipeline.models.contents import model_tensors, model_values
from hypnos_pipeline.models.settings import RuntimeSettings, SamplerSettings
from hypnos_pipeline.models.text_to_image import TextToImage, decode
from hypnos_pipeline.progress import Bar
from hypnos_pipeline.storage.checkpoints import Checkpoints, open_checkpoints
from hypnos_pipeline.storage.settings import CheckpointSettings

if TYPE_CHECKING:
    import numpy as np
    import torch

_OTHER_PRECISIONS = {
    "float16": "set runtime.precision to bfloat16 or float32",
    "bfloat16": "set runtime.precision to float32",
}
_DAMAGED = "its weights are damaged or its training diverged: get it, or train it at a lower rate, again"
_log = logging.getLogger(__name__)


def generate(
    model: TextToImage,
    prompts: list[str],
    noise_seeds: list[int],
    sampler: SamplerSettings,
    image_size: int,
    progress: str | None = "sampling",
    saved: Checkpoints | None = None,
) -> np.ndarray:
    """Samples one image per prompt with classifier-free guidance.

    Each image has a CPU generator of its own, so neither batch size nor order nor device changes its noise,
    and ``StableDiffusionPipeline(prompt, generator=torch.Generator().manual_seed(seed), …)`` gives the same.

    Args:
        model: The text-to-image model, on the device to compute on.
        prompts: One per image.
        noise_seeds: One per image.
        sampler: Scheduler, steps, guidance, batch.
        image_size: Edge of the square images, pixels.
        progress: What the progress bar says is done; None shows no bar.
        saved: Of this very call (:func:`open_batches`): keeps every batch as it is finished. Batches begin at
            the same images always, so those that a killed process made are the ones that would be made now.

    Returns:
        Images, uint8, N×H×W×3, sRGB.

    Raises:
        ValueError: If prompts and seeds differ in number, or naming every prompt that is too long.
        NotFinite: If an image holds NaN or infinity, which diffusers would save as black.
    """
    import numpy as np
    import torch

    if len(prompts) != len(noise_seeds):
        raise ValueError(
            f"expected one noise seed per prompt, got {len(prompts)} prompts, {len(noise_seeds)} seeds"
        )
    model.encode_prompts(prompts)  # refuses prompts that the pipeline would cut off
    pipeline = model.pipeline()
    pipeline.scheduler = sampling_scheduler(model.scheduler, sampler)
    images = np.empty((len(prompts), image_size, image_size, 3), np.uint8)
    kept = {state.step: state.tensors["images"].numpy() for state in saved.load_all()} if saved else {}
    if kept:
        _log.info("going on with %d batches that were finished before", len(kept))
    bar = Bar(progress, len(prompts), "image", sum(map(len, kept.values()))) if progress else None
    with torch.inference_mode(), bar or nullcontext():
        for start in range(0, len(prompts), sampler.batch):
            batch = slice(start, start + sampler.batch)
            if start in kept:
                images[batch] = kept[start]
                continue
            latents: Any = pipeline(
                prompts[batch],
                generator=[torch.Generator().manual_seed(seed) for seed in noise_seeds[batch]],
                height=image_size,
                width=image_size,
                num_inference_steps=sampler.steps,
                guidance_scale=sampler.guidance,
                output_type="latent",
            ).images  # pyright: ignore[reportAttributeAccessIssue]
            decoded = _pixels(model, latents)
            _require_finite(decoded, model, prompts[batch], latents)
            images[batch] = (decoded * 255).round().astype(np.uint8)
            if bar:
                bar.advance(len(latents))
            if saved:
                saved.save(start, {"images": torch.from_numpy(images[batch])}, {}, part=True)
    if saved:
        saved.finish()
    return images


def sampling_scheduler(own: Any, sampler: SamplerSettings) -> Any:
    """Returns the scheduler to sample with: the model's ``own``, or another with the same noise schedule."""
    if sampler.scheduler is None and sampler.spacing is None:
        return own
    import diffusers

    kind = getattr(diffusers, sampler.scheduler) if sampler.scheduler else type(own)
    changed = {} if sampler.spacing is None else {"timestep_spacing": sampler.spacing}
    return kind.from_config(own.config, **changed)


def _require_finite(
    images: np.ndarray, model: TextToImage, prompts: list[str], latents: torch.Tensor
) -> None:
    """Refuses images that are no numbers.

    Args:
        images: One for each prompt, N×H×W×3.
        model: What made them.
        prompts: Theirs.
        latents: What the VAE decoded to them.

    Raises:
        NotFinite: Naming model, precision and the part that gave such numbers first.
    """
    import numpy as np
    import torch

    finite = np.isfinite(images).all((1, 2, 3))
    if finite.all():
        return
    kind = model.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else model.vae.dtype
    part = "UNet or text encoder"
    if latents.isfinite().all():
        part = "VAE's decoder"
        dtype = torch.float32 if _decodes_whole(model) else dtype
    precision = str(dtype).removeprefix("torch.")
    count, first = int((~finite).sum()), prompts[int(finite.argmin())]
    raise NotFinite(
        f"{model.source}: {count} of {len(images)} images hold NaN or infinity (the first of {first!r}), "
        f"which its {part} gives in {precision}; {_OTHER_PRECISIONS.get(precision, _DAMAGED)}"
    )


def _pixels(model: TextToImage, latents: torch.Tensor) -> np.ndarray:
    """Decodes scaled latents as the pipeline does, but not in float16; returns float32 in [0, 1], N×H×W×3.

    Some published VAEs overflow float16 and give black images. A VAE that is kept in half precision itself
    (previews during training) computes as it is.
    """
    import torch

    kind = model.device.type
    with torch.autocast(kind, enabled=False) if _decodes_whole(model) else nullcontext():
        images = decode(model.vae, latents).clamp(0, 1)
    return images.permute(0, 2, 3, 1).cpu().numpy()


def _decodes_whole(model: TextToImage) -> bool:
    """Whether the decoder leaves float16, in which everything else computes."""
    import torch

    kind = model.device.type
    half = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
    return half and model.vae.dtype == torch.float32


def open_batches(
    settings: CheckpointSettings,
    name: str,
    model: TextToImage,
    prompts: list[str],
    noise_seeds: list[int],
    sampler: SamplerSettings,
    image_size: int,
    runtime: RuntimeSettings,
) -> Checkpoints | None:
    """Returns what keeps the finished batches of one call of :func:`generate`; None where nothing is saved.

    Every batch is kept, whatever the interval in ``settings``, since it is small beside its making. ``name``
    says what is sampled, ``[a-z_]+``, ``runtime`` in which precision; the others are that call's.
    """
    if not settings.on:
        return None
    values = [prompts, noise_seeds, sampler.model_dump(), image_size, runtime.model_dump()]
    return open_checkpoints(settings, name, [*values, *model_values(model)], model_tensors(model))
