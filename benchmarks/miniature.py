"""The embedded default's study, networks and a subject, made ready in memory for the benchmarks.

What the pictures show does not change how long a step takes, so the subject's mattes are plain ovals: no
background is removed, and the benchmarks start in seconds.
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.program import ROOT
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings
from hypnos_pipeline.study.model import STUDY_FILE, Study

if TYPE_CHECKING:
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache

SUBJECT = "lego_robot"


@lru_cache(maxsize=1)
def study() -> Study:
    """Returns the study of the environment ``mini``."""
    import yaml

    text = (ROOT / "conf" / "mini" / STUDY_FILE).read_text(encoding="utf-8")
    return Study.from_parameters(yaml.safe_load(text))


def runtime(threads: int) -> RuntimeSettings:
    """Makes this process compute as the pipelines do, on the CPU with so many threads."""
    from hypnos_pipeline.models.runtime import configure

    settings = RuntimeSettings(device="cpu", threads=threads, precision="float32")
    configure(settings)
    return settings


def folder(reference: ModelReference) -> Path:
    """Returns where one of the tracked networks lies."""
    assert reference.folder is not None, "the embedded default's networks are folders"
    return ROOT / reference.folder


def text_to_image() -> TextToImage:
    """Loads the miniature text-to-image model, a fresh one at every call."""
    from hypnos_pipeline.models.text_to_image import load_text_to_image

    return load_text_to_image(folder(study().models.text_to_image))


def photos() -> dict[str, np.ndarray]:
    """Returns the subject's photos at working size, uint8 S×S×3, by name."""
    from PIL import ImageOps

    from hypnos_pipeline.imaging.photos import read_photos

    square = (study().image_size, study().image_size)
    raw = read_photos(ROOT / "data/01_raw/subjects" / SUBJECT).photos
    return {name: np.array(ImageOps.fit(photo, square)) for name, photo in raw.items()}


def ovals() -> dict[str, np.ndarray]:
    """Returns a matte for each photo, uint8 S×S: an oval in the middle."""
    y, x = np.mgrid[-1 : 1 : study().image_size * 1j, -1 : 1 : study().image_size * 1j]
    oval = np.where((x / 0.5) ** 2 + (y / 0.7) ** 2 < 1, 255, 0).astype(np.uint8)
    return {name: oval for name in photos()}


def image_set(images: dict[str, np.ndarray], **row: str) -> ImageSet:
    """Returns images with a manifest row each, which also says what is given."""
    return ImageSet(images, [{"name": name, **row} for name in images])


@lru_cache(maxsize=2)
def subject(smallest: bool) -> tuple[ImageSet, LatentCache]:
    """Returns the pool and the latents of pool, fakes and class prior, in the study's numbers or in few."""
    from hypnos_pipeline.imaging.fakes import build_fakes
    from hypnos_pipeline.imaging.pool import build_pool
    from hypnos_pipeline.prompting.templates import class_prompt, pool_prompt
    from hypnos_pipeline.training.latents import LatentCache

    whole, noun = study(), study().subjects[SUBJECT]
    settings, count = whole.augmentation, whole.class_prior.count
    if smallest:
        settings, count = settings.model_copy(update={"recoloured": 1, "resized": 1, "altered": 1}), 4
    working, mattes = image_set(photos()), image_set(ovals())
    pool = build_pool(working, mattes, working, settings, partial(pool_prompt, noun), whole.seed)
    fakes = build_fakes(working, mattes, working, settings, whole.seed)
    originals = list(photos().values())
    prior = {f"{index:04d}": originals[index % len(originals)] for index in range(count)}
    prompt = class_prompt(whole.class_prior.prompts[0], noun.noun)
    sections = {"pool": pool, "fakes": fakes, "class_prior": image_set(prior, prompt=prompt)}
    return pool, LatentCache.encode(text_to_image().vae, sections)
