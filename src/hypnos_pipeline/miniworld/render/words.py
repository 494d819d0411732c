"""Every word the miniature world knows."""

from __future__ import annotations

from hypnos_pipeline.miniworld.render.palette import COLOR_NAMES

CLASSES: tuple[str, ...] = ("chair", "robot", "figurine", "mug", "car", "house", "lamp", "ball", "duck")
SCENES: dict[str, str] = {
    "beach": "on a beach",
    "snow": "in the snow",
    "forest": "in a forest",
    "desert": "in a desert",
    "city": "in a city",
    "night": "at night",
    "grass": "on grass",
    "room": "in a room",
}
WALLED, PLAIN = "walled", "plain"
BACKGROUNDS: tuple[str, ...] = (*SCENES, WALLED, PLAIN)
TYPES: tuple[str, ...] = ("photo", "painting")
STYLES: dict[str, tuple[str, ...]] = {
    "photo": ("bright light", "dim light", "warm light", "cold light", "close-up", "wide shot"),
    "painting": ("bold colors", "pale colors", "thick paint"),
}
STYLE_NAMES: tuple[str, ...] = (*STYLES["photo"], *STYLES["painting"])
RARE_WORDS: tuple[str, ...] = ("sks", "ohwx", "zwx", "qvx", "hjk", "xjy", "vbz", "krq")
# Nouns a subject's [C] may contain beyond the class words, so that they stay single tokens.
EXTRA_WORDS: tuple[str, ...] = ("rattan", "lego", "funko", "toy", "armchair")


def vocabulary_words() -> list[str]:
    """Returns every word that must be one token, in a fixed order, without repeats."""
    text = ["a", "an", "and", "of", "in", "on", "at", "the", "with", ",", ".", "-", "background", *TYPES]
    text += [*CLASSES, *COLOR_NAMES, "walled"]
    for phrase in (*SCENES.values(), *STYLE_NAMES):
        text += phrase.replace("-", " - ").split()
    text += [*RARE_WORDS, *EXTRA_WORDS]
    return list(dict.fromkeys(text))
