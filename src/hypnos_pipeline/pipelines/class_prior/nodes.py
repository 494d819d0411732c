"""Nodes of the class prior."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import (
    ClassPriorSettings,
    ModelReference,
    RuntimeSettings,
    SamplerSettings,
)
from hypnos_pipeline.prompting.settings import SubjectSettings
from hypnos_pipeline.randomness import seed_for
from hypnos_pipeline.storage.settings import OFF, CheckpointSettings

if TYPE_CHECKING:
    import numpy as np

SHEET_COLUMNS, SHEET_ROWS = 8, 4


def generate_class_prior(
    subject: SubjectSettings,
    class_prior: ClassPriorSettings,
    text_to_image: ModelReference,
    sampling: SamplerSettings,
    runtime: RuntimeSettings,
    seed: int,
    image_size: int,
    checkpoints: CheckpointSettings = OFF,
) -> tuple[ImageSet, Image.Image, dict[str, Any]]:
    """Samples the untouched base model, or reads the user's own images of the class.

    Subjects of one noun get the same images, which are sampled once (``storage/made_once.py``).

    Returns:
        The images, uint8 S×S×3, with rows ``name, prompt, seed, sha256`` (of the pixels; no seed for the
        user's own); a contact sheet of the first; the report: ``source``, and what network (none for the
        user's own) and machine made them.

    Raises:
        ValueError: If the user's folder is not named or holds too few images.
    """
    import numpy as np

    from hypnos_pipeline.models.machine import describe_origin
    from hypnos_pipeline.models.runtime import configure
    from hypnos_pipeline.prompting.templates import class_prompt

    templates = subject.class_prior_prompts or class_prior.prompts
    prompts = [class_prompt(templates[k % len(templates)], subject.noun) for k in range(class_prior.count)]
    made_by = {} if class_prior.source == "folder" else {"text_to_image": text_to_image}
    origin = describe_origin(made_by, runtime)
    if class_prior.source == "folder":
        seeds, pixels = [None] * class_prior.count, _read_own(class_prior, image_size)
    else:
        seeds = [seed_for(seed, "class_prior", index) for index in range(class_prior.count)]
        given = (prompts, seeds, text_to_image, sampling, runtime, image_size, checkpoints)
        configure(runtime)  # the key holds torch's threads
        values = [origin, prompts, seeds, sampling.model_dump(), runtime.model_dump(), image_size]
        pixels = _once(values, checkpoints.priors_gigabytes * 1e9, lambda: _sample_base(*given))
    images = {f"{index:04d}": np.ascontiguousarray(image) for index, image in enumerate(pixels)}
    manifest = [
        {
            "name": name,
            "prompt": prompt,
            "seed": noise_seed,
            "sha256": hashlib.sha256(image.tobytes()).hexdigest(),
        }
        for (name, image), prompt, noise_seed in zip(images.items(), prompts, seeds, strict=True)
    ]
    report = {"source": class_prior.source} | origin
    return ImageSet(images, manifest), _sheet(list(images.values()), prompts[0]), report


def _once(values: list[Any], most_bytes: float, sample: Callable[[], np.ndarray]) -> np.ndarray:
    """Returns what ``sample`` does; where another subject's stage sampled from the same values, its images.

    A noun's images depend on nothing of the subject. The values name the network's content and the machine.
    """
    import torch

    from hypnos_pipeline.storage.fingerprint import fingerprint
    from hypnos_pipeline.storage.made_once import PRIORS, made_once

    key = fingerprint(["class_prior", *values], {})
    made = made_once(PRIORS, key, lambda: {"images": torch.from_numpy(sample())}, most_bytes)
    return made["images"].numpy()


def _sample_base(
    prompts: list[str],
    seeds: list[int],
    text_to_image: ModelReference,
    sampling: SamplerSettings,
    runtime: RuntimeSettings,
    image_size: int,
    checkpoints: CheckpointSettings,
):
    """Returns one image per prompt, uint8 N×S×S×3."""
    from hypnos_pipeline.models.generation import generate, open_batches
    from hypnos_pipeline.models.reference import locate
    from hypnos_pipeline.models.runtime import autocast, configure
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    device = configure(runtime)
    model = load_text_to_image(locate(text_to_image), device)
    saved = open_batches(checkpoints, "class_prior", model, prompts, seeds, sampling, image_size, runtime)
    with autocast(runtime, device):
        return generate(model, prompts, seeds, sampling, image_size, "class prior", saved)


def _read_own(class_prior: ClassPriorSettings, image_size: int):
    """Returns the first ``count`` images of the user's folder by name, centre squares, uint8 N×S×S×3."""
    import numpy as np

    from hypnos_pipeline.imaging.photos import read_photos

    if class_prior.folder is None:
        raise ValueError("class_prior.folder: null, expected a folder because the source is 'folder'")
    photos = list(read_photos(Path(class_prior.folder)).photos.values())
    if len(photos) < class_prior.count:
        raise ValueError(
            f"class_prior.folder: {len(photos)} images in {class_prior.folder}, expected at least "
            f"class_prior.count = {class_prior.count}; add images or lower the count"
        )
    square = (image_size, image_size)
    chosen = photos[: class_prior.count]
    return np.stack([np.asarray(ImageOps.fit(photo, square, Image.Resampling.LANCZOS)) for photo in chosen])


def _sheet(images: list, prompt: str) -> Image.Image:
    from hypnos_pipeline.imaging.sheets import contact_sheet

    shown = images[: SHEET_COLUMNS * SHEET_ROWS]
    rows = [shown[start : start + SHEET_COLUMNS] for start in range(0, len(shown), SHEET_COLUMNS)]
    return contact_sheet(rows, title=prompt)
