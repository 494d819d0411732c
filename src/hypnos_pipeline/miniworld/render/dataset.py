"""The rendered training set as plain arrays on disk."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from hypnos_pipeline.miniworld.render.captions import Drops, caption, draw_example
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.scene import Instance, Scene, render
from hypnos_pipeline.miniworld.render.words import BACKGROUNDS, CLASSES, STYLE_NAMES, TYPES
from hypnos_pipeline.randomness import numpy_generator
from hypnos_pipeline.storage.replacing import replaced_file

LABELS = ("cls", "first", "second", "background", "wall", "kind", "style")


def labels_of(instance: Instance, scene: Scene) -> list[int]:
    """Returns the indices named in ``LABELS``; -1 where there is none."""
    color = {name: k for k, name in enumerate(COLOR_NAMES)}
    return [
        CLASSES.index(instance.cls),
        color[instance.first],
        color.get(instance.second, -1),
        BACKGROUNDS.index(scene.background),
        color.get(scene.wall, -1),
        TYPES.index(scene.kind),
        STYLE_NAMES.index(scene.style) if scene.style else -1,
    ]


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Rounds [0, 1] floats to uint8."""
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)


def save_array(path: Path, array: np.ndarray) -> None:
    """Writes an array so that no reader ever sees half of it."""
    with replaced_file(path) as file:
        np.save(file, array)


def _shard(job: tuple[int, str, int, int, int]) -> tuple:
    seed, stream, start, stop, captions = job
    images = np.zeros((stop - start, 64, 64, 3), np.uint8)
    alpha = np.zeros((stop - start, 64, 64), np.uint8)
    labels = np.zeros((stop - start, len(LABELS)), np.int8)
    texts = []
    for k, index in enumerate(range(start, stop)):
        instance, scene = draw_example(seed, index, stream)
        drawn = render(instance, scene)
        images[k], alpha[k] = to_bytes(drawn["image"]), to_bytes(drawn["alpha"][..., 0])
        labels[k] = labels_of(instance, scene)
        rng = numpy_generator(seed, f"{stream}/caption", index)
        texts.append([caption(instance, scene, rng, Drops()) for _ in range(captions)])
    return images, alpha, labels, texts


def render_set(
    folder: Path, count: int, seed: int, stream: str, captions: int = 3, workers: int = 1, shard: int = 500
) -> None:
    """Renders ``count`` pictures into ``images``, ``alpha``, ``labels`` (.npy) and ``captions.json``.

    The result depends on neither the number of workers nor the shard size.
    """
    jobs = [(seed, stream, a, min(a + shard, count), captions) for a in range(0, count, shard)]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(_shard, jobs))
    else:
        parts = [_shard(job) for job in jobs]
    for k, name in enumerate(("images", "alpha", "labels")):
        save_array(folder / f"{name}.npy", np.concatenate([p[k] for p in parts]))
    with replaced_file(folder / "captions.json") as file:
        file.write_text(json.dumps([t for p in parts for t in p[3]]))


def load_set(folder: Path) -> dict:
    """Opens a rendered set; the pictures stay on disk until read."""
    out = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "alpha", "labels")}
    out["captions"] = json.loads((folder / "captions.json").read_text())
    return out
