"""Pictures with exact mattes, from which the small matting network learns.

They are harder than the set from which the other networks learn, so that this one looks at what stands in
front and at nothing else: other things and flat shapes behind the object, places blended into each other,
objects of many colours, poor light, and places without an object.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np

from hypnos_pipeline.miniworld.render.backgrounds import background
from hypnos_pipeline.miniworld.render.captions import draw_example
from hypnos_pipeline.miniworld.render.dataset import to_bytes
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES, unit_rgb
from hypnos_pipeline.miniworld.render.places import PLACES
from hypnos_pipeline.miniworld.render.scene import draw_instance, render
from hypnos_pipeline.miniworld.render.words import CLASSES, SCENES, WALLED
from hypnos_pipeline.randomness import numpy_generator

SIZE = 64
_ROOM, _THINGS, _SHAPES, _BLENDED, _PATCHED, _DIM, _EMPTY = 0.1, 0.4, 0.35, 0.2, 0.3, 0.35, 0.07
"""How often a picture has each: a room in which subjects are photographed (else: things behind), shapes
behind, two places, an object of many colours, another brightness, no object."""


def draw_picture(seed: int, stream: str, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one picture, 64×64×3 uint8, and its exact matte, 64×64 uint8."""
    rng = numpy_generator(seed, f"{stream}/variation", index)
    instance, scene = draw_example(seed, index, stream)
    scene = replace(scene, zoom=scene.zoom * float(rng.uniform(0.8, 1.15)))
    if rng.random() < _ROOM:
        scene = replace(scene, background=str(rng.choice(list(PLACES))))
    elif rng.random() < _THINGS:
        scene = replace(scene, clutter=_things(rng, seed, stream, index))
    drawn = render(instance, scene, SIZE, ss=2)
    front, alpha, backdrop = drawn["object"], drawn["alpha"], drawn["backdrop"]
    if rng.random() < _BLENDED:
        backdrop = backdrop + rng.uniform(0.2, 0.8) * (_place(rng) - backdrop)
    if rng.random() < _SHAPES:
        backdrop = _with_shapes(backdrop, rng)
    if rng.random() < _PATCHED:
        front = front + rng.uniform(0.3, 1.0) * (_patches(rng) * alpha - front)
    if rng.random() < _EMPTY:
        front, alpha = np.zeros_like(front), np.zeros_like(alpha)
    image = front + (1 - alpha) * backdrop
    if rng.random() < _DIM:
        image = image * rng.uniform(0.4, 1.25) * rng.uniform(0.85, 1.15, 3)
    grain = rng.normal(0, rng.choice([0, 0.01, 0.03]), (SIZE, SIZE, 3))
    return to_bytes(image + grain), to_bytes(alpha[..., 0])


def draw_pictures(
    seed: int, stream: str, count: int, workers: int = 1, shard: int = 250
) -> tuple[np.ndarray, np.ndarray]:
    """Draws pictures N×64×64×3 uint8 and their mattes N×64×64 uint8.

    The result depends on neither the number of workers nor the shard size.
    """
    jobs = [(seed, stream, a, min(a + shard, count)) for a in range(0, count, shard)]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(_shard, jobs))
    else:
        parts = [_shard(job) for job in jobs]
    images, mattes = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(mattes)


def _shard(job: tuple[int, str, int, int]) -> tuple[np.ndarray, np.ndarray]:
    seed, stream, start, stop = job
    images, mattes = zip(*(draw_picture(seed, stream, k) for k in range(start, stop)), strict=True)
    return np.stack(images), np.stack(mattes)


def _things(rng: np.random.Generator, seed: int, stream: str, index: int) -> tuple:
    """One to four smaller things behind the object or beside it."""
    things = []
    for k in range(int(rng.integers(1, 5))):
        first, second = (str(color) for color in rng.choice(COLOR_NAMES, 2, replace=False))
        cls = str(rng.choice(CLASSES))
        thing = draw_instance(cls, seed, f"{stream}/thing", 4 * index + k, first, second)
        x, y = rng.uniform(-2.6, 2.6), rng.uniform(0.9, 3.0)
        things.append(
            (thing, float(x), float(y), float(rng.uniform(-0.8, 0.8)), float(rng.uniform(0.25, 0.6)))
        )
    return tuple(things)


def _place(rng: np.random.Generator) -> np.ndarray:
    """Another place, 64×64×3 in [0, 1]."""
    name = str(rng.choice([*SCENES, WALLED]))
    wall = unit_rgb(str(rng.choice(COLOR_NAMES))) if name == WALLED else None
    return background(name, wall, float(rng.uniform(0.28, 0.45)), rng, SIZE)


def _with_shapes(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paints flat rectangles on an image: some anywhere, or rows of upright ones, as of books."""
    image = image.copy()
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(1, 12))):
            x, y = rng.integers(-8, SIZE, 2)
            width, height = rng.integers(2, 30, 2)
            image[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)] = rng.uniform(0, 1, 3)
        return image
    low = int(rng.integers(8, 24))
    for bottom in range(low, int(rng.integers(low + 1, SIZE)), low):
        x = int(rng.integers(0, 12))
        while x < SIZE - int(rng.integers(0, 16)):
            width = int(rng.integers(2, 7))
            image[bottom - int(rng.integers(low // 2, low)) : bottom, x : x + width] = rng.uniform(0, 1, 3)
            x += width
        image[bottom : bottom + 2] = rng.uniform(0.2, 0.7) * np.array([1.0, 0.75, 0.55])
    return image


def _patches(rng: np.random.Generator) -> np.ndarray:
    """Patches of random colours, 64×64×3 in [0, 1]."""
    side = int(rng.choice([2, 4, 8]))
    colors = rng.uniform(0, 1, (SIZE // side, SIZE // side, 3)).astype(np.float32)
    return colors.repeat(side, 0).repeat(side, 1)
