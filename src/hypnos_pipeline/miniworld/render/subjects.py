"""The subjects' photos: renders of instances the training never saw, with their true mattes kept apart."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from hypnos_pipeline.miniworld.render.dataset import to_bytes
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.scene import Instance, Scene, draw_instance, draw_scene, render
from hypnos_pipeline.miniworld.render.words import CLASSES, SCENES, WALLED
from hypnos_pipeline.randomness import numpy_generator

PHOTO_SIZE, UNSEEN_SIZE, PHOTOS, UNSEEN = 512, 256, 4, 20
_BACKGROUNDS = ("room", "grass", "city", WALLED)

SUBJECTS: dict[str, Instance] = {
    "figurine": Instance(
        "figurine",
        {
            "head": [0.7, 0.6],
            "hat": "tophat",
            "bun": True,
            "body": 0.38,
            "belt": True,
            "arm": 0.6,
            "skin": 1.0,
            "eye": 0.15,
        },
        (0.06, 0.5, 0.52),
        (0.78, 0.12, 0.5),
    ),
    "rattan_chair": Instance(
        "chair",
        {
            "seat": 0.74,
            "leg": 0.42,
            "back": 0.72,
            "arms": True,
            "slats": 0,
            "round": True,
            "thick": 0.11,
            "weave": (0.5, 0.3, 0.13),
        },
        (0.86, 0.66, 0.36),
        (0.12, 0.36, 0.62),
    ),
    "lego_robot": Instance(
        "robot",
        {
            "head": [0.52, 0.42],
            "body": [0.6, 0.5],
            "antenna": 2,
            "leg": 0.3,
            "arm_drop": 0.25,
            "panel": "none",
            "eye": 0.15,
            "ears": False,
            "studs": True,
        },
        (0.78, 0.1, 0.14),
        (0.97, 0.78, 0.1),
    ),
}
TUNING: dict[str, Instance] = {
    "tuning_figurine": Instance(
        "figurine",
        {
            "head": [0.66, 0.62],
            "hat": "cone",
            "bun": False,
            "body": 0.34,
            "belt": False,
            "arm": 0.3,
            "skin": 0.8,
            "eye": 0.14,
        },
        (0.93, 0.5, 0.1),
        (0.12, 0.3, 0.75),
    ),
    "tuning_chair": Instance(
        "chair",
        {
            "seat": 0.64,
            "leg": 0.46,
            "back": 0.8,
            "arms": True,
            "slats": 3,
            "round": False,
            "thick": 0.13,
            "weave": None,
        },
        (0.12, 0.52, 0.4),
        (0.95, 0.85, 0.7),
    ),
    "tuning_robot": Instance(
        "robot",
        {
            "head": [0.62, 0.46],
            "body": [0.5, 0.5],
            "antenna": 1,
            "leg": 0.28,
            "arm_drop": -0.2,
            "panel": "round",
            "eye": 0.17,
            "ears": True,
            "studs": False,
        },
        (0.45, 0.15, 0.65),
        (0.35, 0.8, 0.75),
    ),
}


def _clutter(rng: np.random.Generator, seed: int, cls: str, index: int) -> tuple:
    """Two or three smaller objects of other classes behind and beside the subject."""
    others = [c for c in CLASSES if c != cls]
    out = []
    for k in range(int(rng.integers(2, 4))):
        first, second = (str(c) for c in rng.choice(COLOR_NAMES, 2, replace=False))
        thing = draw_instance(
            str(rng.choice(others)), seed, "miniworld/clutter", 10 * index + k, first, second
        )
        side = -1 if k % 2 else 1
        x, y = side * rng.uniform(1.9, 2.6), rng.uniform(0.6, 2.6)
        out.append((thing, float(x), float(y), float(rng.uniform(-0.8, 0.8)), float(rng.uniform(0.42, 0.62))))
    return tuple(out)


def _views(name: str, instance: Instance, seed: int, count: int, unseen: bool) -> list[Scene]:
    """Draws scenes: photos look from well apart directions, unseen renders from anywhere between."""
    stream = f"miniworld/subject/{name}/{'unseen' if unseen else 'photos'}"
    scenes = []
    for k in range(count):
        rng = numpy_generator(seed, stream, k)
        pool = (*SCENES, WALLED) if unseen else _BACKGROUNDS
        background = str(rng.choice(pool)) if unseen else pool[k % len(pool)]
        azimuth = rng.uniform(-0.65, 0.65) if unseen else np.linspace(-0.55, 0.5, count)[k]
        scene = draw_scene(
            rng,
            instance.cls,
            background=background,
            azimuth=float(azimuth),
            zoom=float(rng.uniform(0.98, 1.08)),
            elevation=float(rng.uniform(0.16, 0.42)),
            shift=(float(rng.uniform(-0.1, 0.1)), -0.05),
            wall=str(rng.choice(["green", "cyan", "pink", "white"])) if background == WALLED else None,
        )
        if not unseen or k % 3 == 0:
            scene = replace(scene, clutter=_clutter(rng, seed, instance.cls, k))
        scenes.append(scene)
    return scenes


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def _jpeg(image: np.ndarray, orientation: int) -> bytes:
    """Encodes with EXIF; the pixels are stored turned so that the Orientation tag rights them."""
    from PIL import Image

    if orientation == 6:
        image = np.rot90(image, 1)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Hypnos", "Miniature One", orientation
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "JPEG", quality=92, exif=exif)
    return buffer.getvalue()


def _png(mask: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _shot(
    instance: Instance, scene: Scene, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Renders with a little sensor noise; returns the picture and its matte, uint8."""
    drawn = render(instance, scene, size=size, ss=2)
    grain = rng.normal(0, 0.008, (size, size, 1)).astype(np.float32)
    return to_bytes(drawn["image"] + grain), to_bytes(drawn["alpha"][..., 0])


def make_subject(
    name: str, instance: Instance, photos: Path, judge: Path, seed: int, size: int = PHOTO_SIZE
) -> None:
    """Writes a subject.

    Args:
        photos: Receives ``00.jpg`` ...; the third photo is stored turned (Orientation 6), the second
            is not square. This is all a pipeline may read.
        judge: Receives ``masks/<stem>.png`` (upright, as after applying the EXIF orientation), and
            ``unseen/NN.jpg`` with ``unseen_masks/NN.png``: further renders for judging only.
    """
    for k, scene in enumerate(_views(name, instance, seed, PHOTOS, unseen=False)):
        image, mask = _shot(instance, scene, size, numpy_generator(seed, f"miniworld/grain/{name}", k))
        if k == 1:
            cut = size // 16
            image, mask = image[:, cut:-cut], mask[:, cut:-cut]
        _write(photos / f"{k:02d}.jpg", _jpeg(image, 6 if k == 2 else 1))
        _write(judge / "masks" / f"{k:02d}.png", _png(np.ascontiguousarray(mask)))
    for k, scene in enumerate(_views(name, instance, seed, UNSEEN, unseen=True)):
        image, mask = _shot(
            instance, scene, size // 2, numpy_generator(seed, f"miniworld/grain/{name}/unseen", k)
        )
        _write(judge / "unseen" / f"{k:02d}.jpg", _jpeg(image, 1))
        _write(judge / "unseen_masks" / f"{k:02d}.png", _png(mask))


def make_subjects(photos: Path, judge: Path, seed: int, instances: dict[str, Instance] | None = None) -> None:
    """Writes every subject of ``instances`` (default: the study's) below the two folders."""
    for name, instance in (instances or SUBJECTS).items():
        make_subject(name, instance, photos / name, judge / name, seed)
