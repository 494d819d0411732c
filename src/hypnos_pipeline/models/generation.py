"""Sampling images, by plain diffusers, in batches that do not change the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypnos_pipeline.models.settings import SamplerSettings
from hypnos_pipeline.models.text_to_image import TextToImage

if TYPE_CHECKING:
    import numpy as np


def generate(
    model: TextToImage,
    prompts: list[str],
    noise_seeds: list[int],
    sampler: SamplerSettings,
    image_size: int,
    progress: str | None = "sampling",
) -> np.ndarray:
    """Samples one image per prompt with the model's own scheduler and classifier-free guidance.

    Each image has a CPU generator of its own, so neither batch size nor order nor device changes its noise,
    and ``StableDiffusionPipeline(prompt, generator=torch.Generator().manual_seed(seed), …)`` gives the same.

    Args:
        model: The text-to-image model, on the device to compute on.
        prompts: One per image.
        noise_seeds: One per image.
        sampler: Steps, guidance, batch.
        image_size: Edge of the square images, pixels.
        progress: What the progress bar says; None shows none.

    Returns:
        Images, uint8, N×H×W×3, sRGB.

    Raises:
        ValueError: If prompts and seeds differ in number, or naming every prompt that is too long.
    """
    import numpy as np
    import torch
    from tqdm import tqdm

    if len(prompts) != len(noise_seeds):
        raise ValueError(
            f"expected one noise seed per prompt, got {len(prompts)} prompts, {len(noise_seeds)} seeds"
        )
    model.encode_prompts(prompts)  # refuses prompts that the pipeline would cut off
    pipeline = model.pipeline()
    images = np.empty((len(prompts), image_size, image_size, 3), np.uint8)
    quiet = True if progress is None else None
    with torch.inference_mode(), tqdm(total=len(prompts), desc=progress, unit="image", disable=quiet) as bar:
        for start in range(0, len(prompts), sampler.batch):
            batch = slice(start, start + sampler.batch)
            decoded = pipeline(
                prompts[batch],
                generator=[torch.Generator().manual_seed(seed) for seed in noise_seeds[batch]],
                height=image_size,
                width=image_size,
                num_inference_steps=sampler.steps,
                guidance_scale=sampler.guidance,
                output_type="np",
            ).images
            images[batch] = (decoded * 255).round().astype(np.uint8)
            bar.update(len(decoded))
    return images
