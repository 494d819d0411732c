"""The subjects' photos: renders of instances the training never saw, with their true mattes kept apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hypnos_pipeline.miniworld.render.dataset import to_bytes
from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.places import PLACES
from hypnos_pipeline.miniworld.render.scene import Instance, Scene, draw_instance, draw_scene, render
from hypnos_pipeline.miniworld.render.words import CLASSES, SCENES, WALLED
from hypnos_pipeline.randomness import numpy_generator
from hypnos_pipeline.storage.replacing import replaced_file

PHOTO_SIZE, UNSEEN_SIZE, PHOTOS, UNSEEN = 512, 256, 4, 20
SEVERAL_PLACES = "_places"
"""What the name of a subject's set of photos taken in several places ends in."""
_BACKGROUNDS = ("room", "grass", "city", WALLED)
_PLACES = {
    "figurine": "bookcase", "rattan_chair": "lounge", "lego_robot": "workshop",
    "tuning_figurine": "lounge", "tuning_chair": "workshop", "tuning_robot": "bookcase",
}  # fmt: skip

SUBJECTS: dict[str, Instance] = {
    "figurine": Instance(
        "figurine",
        {"head": [0.7, 0.6], "hat": "tophat", "bun": True, "body": 0.38, "belt": True, "arm": 0.6,
         "skin": 1.0, "eye": 0.15},
        (0.06, 0.5, 0.52), (0.78, 0.12, 0.5),
    ),
    "rattan_chair": Instance(
        "chair",
        {"seat": 0.74, "leg": 0.42, "back": 0.72, "arms": True, "slats": 0, "round": True, "thick": 0.11,
         "weave": (0.5, 0.3, 0.13)},
        (0.86, 0.66, 0.36), (0.12, 0.36, 0.62),
    ),
    "lego_robot": Instance(
        "robot",
        {"head": [0.52, 0.42], "body": [0.6, 0.5], "antenna": 2, "leg": 0.3, "arm_drop": 0.25,
         "panel": "none", "eye": 0.15, "ears": False, "studs": True},
        (0.78, 0.1, 0.14), (0.97, 0.78, 0.1),
    ),
}  # fmt: skip
TUNING: dict[str, Instance] = {
    "tuning_figurine": Instance(
        "figurine",
        {"head": [0.66, 0.62], "hat": "cone", "bun": False, "body": 0.34, "belt": False, "arm": 0.3,
         "skin": 0.8, "eye": 0.14},
        (0.93, 0.5, 0.1), (0.12, 0.3, 0.75),
    ),
    "tuning_chair": Instance(
        "chair",
        {"seat": 0.64, "leg": 0.46, "back": 0.8, "arms": True, "slats": 3, "round": False, "thick": 0.13,
         "weave": None},
        (0.12, 0.52, 0.4), (0.95, 0.85, 0.7),
    ),
    "tuning_robot": Instance(
        "robot",
        {"head": [0.62, 0.46], "body": [0.5, 0.5], "antenna": 1, "leg": 0.28, "arm_drop": -0.2,
         "panel": "round", "eye": 0.17, "ears": True, "studs": False},
        (0.45, 0.15, 0.65), (0.35, 0.8, 0.75),
    ),
}  # fmt: skip


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


def _views_of_place(name: str, seed: int, place: str) -> list[Scene]:
    """Draws scenes in one place: the camera goes round the subject, nearer than in several places."""
    scenes = []
    for k, azimuth in enumerate(np.linspace(-0.55, 0.5, PHOTOS)):
        rng = numpy_generator(seed, f"miniworld/subject/{name}/one_place", k)
        zoom, elevation, aside = (float(rng.uniform(*r)) for r in ((1.1, 1.24), (0.14, 0.4), (-0.1, 0.1)))
        scenes.append(
            Scene(place, azimuth=float(azimuth), elevation=elevation, zoom=zoom, shift=(aside, -0.08))
        )
    return scenes


def _save(image: np.ndarray, path: Path, kind: str, **options: Any) -> None:
    """Writes a picture so that no reader ever sees half of it."""
    from PIL import Image

    with replaced_file(path) as file:
        Image.fromarray(np.ascontiguousarray(image)).save(file, kind, **options)


def _save_photo(image: np.ndarray, path: Path, orientation: int) -> None:
    """Writes a JPEG with EXIF; the pixels are stored turned so that the Orientation tag rights them."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Hypnos", "Miniature One", orientation
    _save(np.rot90(image, 1) if orientation == 6 else image, path, "JPEG", quality=92, exif=exif)


def _shot(
    instance: Instance, scene: Scene, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Renders with a little sensor noise; returns the picture and its matte, uint8."""
    drawn = render(instance, scene, size=size, ss=2)
    noise = PLACES[scene.background].noise if scene.background in PLACES else 0.008
    grain = rng.normal(0, noise, (size, size, 1)).astype(np.float32)
    return to_bytes(drawn["image"] + grain), to_bytes(drawn["alpha"][..., 0])


def make_photos(
    name: str, photos: Path, truth: Path, seed: int, one_place: bool, size: int = PHOTO_SIZE
) -> None:
    """Writes a set of photos of a subject.

    Args:
        name: Of the subject; its random streams are named after it.
        photos: Receives ``00.jpg`` ...; the third photo is stored turned (Orientation 6), the second
            is not square. This is all a pipeline may read.
        truth: Receives ``masks/<stem>.png`` (upright, as after applying the EXIF orientation).
        seed: Of all draws.
        one_place: Whether all photos are taken in one place, the subject's own, or each in another.
        size: Side of the photos in pixels.
    """
    instance = {**SUBJECTS, **TUNING}[name]
    grain = f"miniworld/grain/{name}"
    if one_place:
        scenes, grain = _views_of_place(name, seed, _PLACES[name]), f"{grain}/one_place"
    else:
        scenes = _views(name, instance, seed, PHOTOS, unseen=False)
    for k, scene in enumerate(scenes):
        image, mask = _shot(instance, scene, size, numpy_generator(seed, grain, k))
        if k == 1:
            cut = size // 16
            image, mask = image[:, cut:-cut], mask[:, cut:-cut]
        _save_photo(image, photos / f"{k:02d}.jpg", 6 if k == 2 else 1)
        _save(mask, truth / "masks" / f"{k:02d}.png", "PNG", optimize=True)


def make_unseen(name: str, truth: Path, seed: int, size: int = UNSEEN_SIZE) -> None:
    """Writes ``unseen/NN.jpg`` and ``unseen_masks/NN.png``: further renders of a subject, in other scenes.

    Args:
        name: Of the subject; its random streams are named after it.
        truth: The folder that receives them.
        seed: Of all draws.
        size: Their side in pixels.
    """
    instance = {**SUBJECTS, **TUNING}[name]
    for k, scene in enumerate(_views(name, instance, seed, UNSEEN, unseen=True)):
        draws = numpy_generator(seed, f"miniworld/grain/{name}/unseen", k)
        image, mask = _shot(instance, scene, size, draws)
        _save_photo(image, truth / "unseen" / f"{k:02d}.jpg", 1)
        _save(mask, truth / "unseen_masks" / f"{k:02d}.png", "PNG", optimize=True)


def make_subjects(photos: Path, truth: Path, seed: int, names: Iterable[str] = tuple(SUBJECTS)) -> None:
    """Writes subjects below the two folders.

    ``<name>`` are a subject's photos in one place, ``<name>_places`` those in several. The unseen renders
    stand with the truth of the first and serve both.
    """
    for name in names:
        make_photos(name, photos / name, truth / name, seed, one_place=True)
        several = name + SEVERAL_PLACES
        make_photos(name, photos / several, truth / several, seed, one_place=False)
        make_unseen(name, truth / name, seed)
