"""The embedded default's study, networks and subject, made ready in memory for the benchmarks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import subject
from benchmarks.program import ROOT
from hypnos_pipeline.models.settings import ModelReference, RuntimeSettings
from hypnos_pipeline.study.model import STUDY_FILE, Study

if TYPE_CHECKING:
    import numpy as np

    from hypnos_pipeline.imaging.image_set import ImageSet
    from hypnos_pipeline.models.text_to_image import TextToImage
    from hypnos_pipeline.training.latents import LatentCache


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
    return subject.photos(study().image_size)


def ovals() -> dict[str, np.ndarray]:
    """Returns a matte for each photo, uint8 S×S: an oval in the middle."""
    return subject.ovals(study().image_size)


@lru_cache(maxsize=2)
def pool_and_latents(smallest: bool) -> tuple[ImageSet, LatentCache]:
    """Returns the pool and the latents of pool, fakes and class prior, in the study's numbers or in few."""
    from hypnos_pipeline.training.latents import LatentCache

    sections = subject.sections(study(), smallest)
    return sections["pool"], LatentCache.encode(text_to_image().vae, sections)
