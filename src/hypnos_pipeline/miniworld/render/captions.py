"""Captions of scenes, and which pictures the training set holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES
from hypnos_pipeline.miniworld.render.scene import Instance, Scene, draw_instance, draw_scene
from hypnos_pipeline.miniworld.render.words import CLASSES, PLAIN, RARE_WORDS, SCENES, STYLES, WALLED
from hypnos_pipeline.randomness import numpy_generator


@dataclass(frozen=True)
class Drops:
    """How often a caption leaves something out or adds a word without meaning."""

    color: float = 0.15
    background: float = 0.12
    article: float = 0.35
    rare_word: float = 0.03
    rare_background: float = 0.01


def background_clause(background: str, wall: str | None) -> str:
    """Returns the words for a background, led by a space or a comma."""
    if background == PLAIN:
        return f", {wall} background"
    if background == WALLED:
        return f" in a {wall} walled room"
    return f" {SCENES[background]}"


def caption(instance: Instance, scene: Scene, rng: np.random.Generator, drops: Drops = Drops()) -> str:
    """Writes a caption, e.g. ``a photo of a red and blue robot on a beach, warm light``."""
    chance = rng.random(5)
    words: list[str] = []
    if chance[0] >= drops.color:
        words.append(f"{instance.first} and {instance.second}" if instance.second else str(instance.first))
    if chance[3] < drops.rare_word:
        words.append(str(rng.choice(RARE_WORDS)))
    words.append(instance.cls)
    thing = " ".join(words)
    if chance[2] >= drops.article:
        thing = f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"
    text = f"a {scene.kind} of {thing}"
    if chance[4] < drops.rare_background:
        text += f", {rng.choice(RARE_WORDS)} background"
    elif chance[1] >= drops.background:
        text += background_clause(scene.background, scene.wall)
    return f"{text}, {scene.style}" if scene.style else text


def draw_example(seed: int, index: int, stream: str = "miniworld/train") -> tuple[Instance, Scene]:
    """Draws the ``index``-th picture of a set: class, colours, background, type, style, camera."""
    rng = numpy_generator(seed, stream, index)
    cls = CLASSES[int(rng.integers(len(CLASSES)))]
    first, second, wall = (str(c) for c in rng.choice(COLOR_NAMES, 3, replace=False))
    two = rng.random() < 0.42
    pick = rng.random()
    if pick < 0.40:
        background = PLAIN
    elif pick < 0.52:
        background = WALLED
    else:
        background = str(rng.choice(list(SCENES)))
    kind = "painting" if rng.random() < 0.1 else "photo"
    style = str(rng.choice(STYLES[kind])) if rng.random() < (0.35 if kind == "photo" else 0.6) else None
    instance = draw_instance(cls, seed, f"{stream}/instance", index, first, second if two else None)
    wall = wall if background in (PLAIN, WALLED) else None
    return instance, draw_scene(rng, cls, background=background, wall=wall, kind=kind, style=style)
