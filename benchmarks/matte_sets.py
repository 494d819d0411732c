"""Sets of photos with known mattes, on which background removal and its guards are measured.

A set is one object of the miniature world photographed some times in one of four ways, so that a backend
meets plain scenes, rooms with things about, walls of nearly the object's colour, and other things close
behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from hypnos_pipeline.imaging.photos import RawPhotos
from hypnos_pipeline.imaging.pixels import to_uint8
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES, unit_rgb
from hypnos_pipeline.miniworld.render.scene import Instance, Scene, draw_instance, draw_scene, render
from hypnos_pipeline.miniworld.render.words import CLASSES, PLAIN, SCENES, WALLED
from hypnos_pipeline.randomness import numpy_generator

SIZE = 256
"""Pixels of a photo's side."""
PHOTOS = 3
"""Photos of a set."""
WAYS = ("places", "one room", "near colours", "crowded")


@dataclass(frozen=True)
class MatteSet:
    """Photos of one object.

    Attributes:
        raw: The photos, upright, without masks.
        truth: Photo to its true matte, H×W float32 in [0, 1].
    """

    raw: RawPhotos
    truth: dict[str, np.ndarray]


def set_names() -> list[tuple[str, str]]:
    """Returns every embedded class in every way."""
    return [(cls, way) for way in WAYS for cls in CLASSES]


def draw_set(seed: int, cls: str, way: str, photos: int = PHOTOS) -> MatteSet:
    """Draws a set of a class, photographed in one of ``WAYS``; the object, too, is of the seed."""
    stream = f"benchmarks/mattes/{way}/{cls}"
    rng = numpy_generator(seed, stream)
    first, second = (unit_rgb(str(name)) for name in rng.choice(COLOR_NAMES, 2, replace=False))
    instance = draw_instance(cls, seed, stream, 0, first, second if rng.random() < 0.7 else None)
    shared = _surroundings(way, cls, seed, stream, rng, first)
    pictures, truth = {}, {}
    for number in range(photos):
        draws = numpy_generator(seed, f"{stream}/photo", number)
        given = shared if way == "one room" else _surroundings(way, cls, seed, stream, draws, first)
        scene = _scene(draws, cls, given)
        drawn = render(instance, scene, size=SIZE, ss=2)
        grain = draws.normal(0, 0.008, (SIZE, SIZE, 1))
        name = f"{number:02d}"
        pictures[name] = Image.fromarray(to_uint8(drawn["image"] + grain))
        truth[name] = drawn["alpha"][..., 0].astype(np.float32)
    return MatteSet(RawPhotos(pictures), truth)


def _scene(rng: np.random.Generator, cls: str, given: dict) -> Scene:
    zoom, height = float(rng.uniform(0.9, 1.08)), float(rng.uniform(0.14, 0.45))
    return draw_scene(rng, cls, zoom=zoom, elevation=height, **given)


def _surroundings(
    way: str, cls: str, seed: int, stream: str, rng: np.random.Generator, colour: tuple[float, ...]
) -> dict:
    """Draws background and clutter of a photo, as fields of a scene."""
    if way == "places":
        background = str(rng.choice([*SCENES, WALLED, PLAIN]))
        wall = unit_rgb(str(rng.choice(COLOR_NAMES))) if background in (WALLED, PLAIN) else None
        return {"background": background, "wall": wall, "clutter": _things(cls, seed, stream, rng, 2, 1.9)}
    if way == "near colours":
        wall = tuple(np.clip(np.asarray(colour) + rng.uniform(-0.22, 0.22, 3), 0, 1).tolist())
        return {"background": str(rng.choice([WALLED, PLAIN])), "wall": wall}
    if way == "one room":
        wall = tuple(rng.uniform(0.35, 0.95, 3).tolist())
        things = _things(cls, seed, stream, rng, 4, 1.6)
        return {"background": WALLED, "wall": wall, "texture": int(rng.integers(2**31)), "clutter": things}
    return {"background": "room", "clutter": _things(cls, seed, stream, rng, 5, 0.9)}


def _things(
    cls: str, seed: int, stream: str, rng: np.random.Generator, count: int, nearest: float
) -> tuple[tuple[Instance, float, float, float, float], ...]:
    """Draws smaller objects of other classes behind and beside the subject."""
    others = [each for each in CLASSES if each != cls]
    things = []
    for number in range(count):
        colours = (str(name) for name in rng.choice(COLOR_NAMES, 2, replace=False))
        index = int(rng.integers(2**31))
        thing = draw_instance(str(rng.choice(others)), seed, f"{stream}/thing", index, *colours)
        x = (-1 if number % 2 else 1) * float(rng.uniform(nearest, nearest + 0.9))
        y, turn = float(rng.uniform(0.6, 2.8)), float(rng.uniform(-0.8, 0.8))
        things.append((thing, x, y, turn, float(rng.uniform(0.4, 0.65))))
    return tuple(things)
