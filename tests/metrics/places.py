"""Renders of objects in known places, which the measures of places and colours are validated on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hypnos_pipeline.miniworld.render.captions import draw_example
from hypnos_pipeline.miniworld.render.dataset import to_bytes
from hypnos_pipeline.miniworld.render.scene import Instance, draw_instance, draw_scene, render
from hypnos_pipeline.miniworld.render.subjects import SUBJECTS, TUNING
from hypnos_pipeline.miniworld.render.words import SCENES
from hypnos_pipeline.randomness import numpy_generator

SEED, VIEWS = 13, 24
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the photos' place in a blend."""
FIGURINE, ROBOT = SUBJECTS["figurine"], SUBJECTS["lego_robot"]
STRANGER = TUNING["tuning_chair"]
"""Another object."""
DUCK = draw_instance("duck", SEED, "tests/places/things", 0, "yellow", "orange")
LAMP = draw_instance("lamp", SEED, "tests/places/things", 1, "purple", "white")
OF_PHOTOS = ("bookcase", "workshop", "lounge")
"""The places of the study's own photos."""
THINGS = ((DUCK, -2.0, 1.0, 0.4, 0.5), (LAMP, 2.1, 1.4, -0.3, 0.6))
PLACES: dict[str, dict[str, Any]] = {
    "room": {"background": "room", "texture": 5, "clutter": THINGS},
    "cyan walls": {"background": "walled", "wall": "cyan", "texture": 9, "clutter": THINGS},
    "forest": {"background": "forest", "texture": 3, "clutter": THINGS},
    **{name: {"background": name, "zoom": 1.25, "shift": (0, -0.03)} for name in OF_PHOTOS},
}


@dataclass(frozen=True)
class Views:
    """Pictures of an object.

    Attributes:
        images: N×64×64×3 uint8.
        mattes: N×64×64 float32, exact.
        drawn: The layers, as ``render`` returns them.
    """

    images: np.ndarray
    mattes: np.ndarray
    drawn: list[dict[str, np.ndarray]]


def views(instance: Instance, stream: str, count: int, scene: Callable[[int], dict[str, Any]]) -> Views:
    """Draws an object from ``count`` sides, in the scene given for each."""
    drawn = []
    for index in range(count):
        rng = numpy_generator(SEED, f"tests/places/{stream}", index)
        drawn.append(render(instance, draw_scene(rng, instance.cls, **scene(index))))
    images = np.stack([to_bytes(each["image"]) for each in drawn])
    return Views(images, np.stack([each["alpha"][..., 0] for each in drawn]).astype(np.float32), drawn)


def scenes_but(place: str) -> list[str]:
    """Returns the world's scenes without one."""
    return [name for name in SCENES if name != place]


def in_place(instance: Instance, place: str, stream: str, count: int = VIEWS) -> Views:
    """Draws an object in one of ``PLACES``."""
    return views(instance, f"{stream}/{place}", count, lambda _: PLACES[place])


def elsewhere(instance: Instance, place: str, stream: str, count: int = VIEWS) -> Views:
    """Draws an object in all scenes but the place's, in turn, each another one of its kind."""
    names = scenes_but(PLACES[place]["background"])
    return views(
        instance,
        f"{stream}/{place}",
        count,
        lambda index: {"background": names[index % len(names)], "texture": 1000 + index},
    )


def before_generated(here: Views, generated: dict[str, np.ndarray], place: str) -> Views:
    """Puts the objects of ``here`` before generated pictures of all scenes but the place's, in turn.

    Args:
        here: Whose objects and mattes stay.
        generated: Scene to uint8 images.
        place: One of ``PLACES``.
    """
    names = scenes_but(PLACES[place]["background"])
    drawn = [
        each | {"backdrop": generated[names[k % len(names)]][k // len(names)].astype(np.float32) / 255}
        for k, each in enumerate(here.drawn)
    ]
    images = np.stack([to_bytes(each["object"] + (1 - each["alpha"]) * each["backdrop"]) for each in drawn])
    return Views(images, here.mattes, drawn)


def blended(here: Views, there: Views, share: float) -> np.ndarray:
    """Puts the objects of ``here`` before a mixture of both places, ``share`` of it ``here``'s."""
    pairs = zip(here.drawn, there.drawn, strict=True)
    backs = [(ours, share * ours["backdrop"] + (1 - share) * theirs["backdrop"]) for ours, theirs in pairs]
    return np.stack([to_bytes(ours["object"] + (1 - ours["alpha"]) * back) for ours, back in backs])


def of_the_class(instance: Instance, count: int = 48) -> Views:
    """Draws other objects of the class anywhere, as the class prior shows them."""
    drawn, index = [], 0
    while len(drawn) < count:
        other, scene = draw_example(SEED, index, "tests/places/prior")
        if other.cls == instance.cls:
            drawn.append(render(other, replace(scene, kind="photo")))
        index += 1
    images = np.stack([to_bytes(each["image"]) for each in drawn])
    return Views(images, np.stack([each["alpha"][..., 0] for each in drawn]).astype(np.float32), drawn)


def area_under_curve(high: Sequence[float] | np.ndarray, low: Sequence[float] | np.ndarray) -> float:
    """Returns how often a value of ``high`` is above one of ``low``; a tie counts half."""
    above, below = np.asarray(high)[:, None], np.asarray(low)[None]
    return float(((above > below) + 0.5 * (above == below)).mean())
