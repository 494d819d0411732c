"""One tracked subject as the pipelines' stages hand it on, at any study's size, made ready in memory.

What the pictures show does not change how long a step takes, so the subject's mattes are plain ovals: no
background is removed, and the benchmarks start in seconds.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.program import ROOT
from hypnos_pipeline.imaging.image_set import ImageSet
from hypnos_pipeline.study.model import Study

if TYPE_CHECKING:
    from PIL import Image

SUBJECT = "lego_robot"
PHOTOS = ROOT / "data/01_raw/subjects" / SUBJECT
LONG_SIDES = (1024, 1408, 1728, 2048)
"""Of the photos that are written as from a camera, pixels."""
SENSOR_NOISE = 4.0
"""Standard deviation, 8-bit: enlarged renders would otherwise be easier to decode than photos."""


def photos(edge: int) -> dict[str, np.ndarray]:
    """Returns the subject's photos at working size, uint8 S×S×3, by name."""
    from PIL import ImageOps

    return {name: np.array(ImageOps.fit(photo, (edge, edge))) for name, photo in originals().items()}


def originals() -> dict[str, Image.Image]:
    """Returns the tracked photos, sRGB, by name; Pillow alone reads them, without HEIF and the like."""
    from PIL import Image

    return {file.stem: Image.open(file).convert("RGB") for file in sorted(PHOTOS.glob("*.jpg"))}


def ovals(edge: int) -> dict[str, np.ndarray]:
    """Returns a matte for each photo, uint8 S×S: an oval in the middle."""
    y, x = np.mgrid[-1 : 1 : edge * 1j, -1 : 1 : edge * 1j]
    oval = np.where((x / 0.5) ** 2 + (y / 0.7) ** 2 < 1, 255, 0).astype(np.uint8)
    return {name: oval for name in photos(edge)}


def image_set(images: dict[str, np.ndarray], **row: str) -> ImageSet:
    """Returns images with a manifest row each, which also says what is given."""
    return ImageSet(images, [{"name": name, **row} for name in images])


def sections(whole: Study, smallest: bool = False) -> dict[str, ImageSet]:
    """Returns pool, altered images and class prior of a study, in its own numbers or in few.

    The class prior's images are the photos in turn: none is sampled.
    """
    from hypnos_pipeline.imaging.fakes import build_fakes
    from hypnos_pipeline.imaging.pool import build_pool
    from hypnos_pipeline.prompting.templates import class_prompt, pool_prompt

    noun, edge = whole.subjects[SUBJECT], whole.image_size
    settings, count = whole.augmentation, whole.class_prior.count
    if smallest:
        settings, count = settings.model_copy(update={"recoloured": 1, "resized": 1, "altered": 1}), 4
    working, mattes = image_set(photos(edge)), image_set(ovals(edge))
    pool = build_pool(working, mattes, working, settings, partial(pool_prompt, noun), whole.seed)
    fakes = build_fakes(working, mattes, working, settings, whole.seed)
    pictures = list(working.images.values())
    prior = {f"{index:04d}": pictures[index % len(pictures)] for index in range(count)}
    prompt = class_prompt(whole.class_prior.prompts[0], noun.noun)
    return {"pool": pool, "fakes": fakes, "class_prior": image_set(prior, prompt=prompt)}


def write_photos(folder: Path, whole: Study) -> None:
    """Writes what a trainer reads from disk.

    In ``photos`` the subject's photos enlarged to 1–2k pixels, in ``class`` images of the study's size, as
    many as its class prior has.
    """
    from PIL import Image

    draw = np.random.default_rng(0)
    (folder / "photos").mkdir()
    for (name, photo), side in zip(originals().items(), LONG_SIDES, strict=False):
        scale = side / max(photo.size)
        size = (round(photo.width * scale), round(photo.height * scale))
        large = np.asarray(photo.resize(size, Image.Resampling.LANCZOS), np.float32)
        _noisy(large, draw).save(folder / "photos" / f"{name}.jpg", quality=92)
    (folder / "class").mkdir()
    pictures = list(photos(whole.image_size).values())
    for index in range(whole.class_prior.count):
        class_image = _noisy(pictures[index % len(pictures)], draw)
        class_image.save(
            folder / "class" / f"{index:04d}.jpg", quality=92
        )  # as diffusers' script saves its own


def _noisy(picture: np.ndarray, draw: np.random.Generator) -> Image.Image:
    from PIL import Image

    noisy = picture + draw.normal(0, SENSOR_NOISE, picture.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
